// Uses Apollo Client as an application does: a cache by ids, lists that go on, a subscription over a WebSocket; prints
// what the application sees: {numbers, requests, before, after, problems, heard, forbidden, unauthenticated}.
// Standard input: {url, headers, schema, number}; the schema says which types an interface or union has.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache, ServerError } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { buildSchema, isAbstractType } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const { url, headers, schema, number } = JSON.parse(await text(process.stdin));
const types = buildSchema(readFileSync(schema, 'utf8'));
const possibleTypes = Object.fromEntries(
  Object.values(types.getTypeMap())
    .filter(isAbstractType)
    .map(one => [one.name, types.getPossibleTypes(one).map(({ name }) => name)]),
);
let requests = 0;
const counted = (address, options) => {
  requests += 1;
  return fetch(address, options);
};
const socket = createClient({ url: url.replace('http', 'ws'), connectionParams: headers, webSocketImpl: WebSocket });

function clientWith(sent) {
  const typePolicies = { Query: { fields: { cases: relayStylePagination(['where', 'orderBy', 'search']) } } };
  return new ApolloClient({
    cache: new InMemoryCache({ possibleTypes, typePolicies }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: sent, fetch: counted }),
    ),
    defaultOptions: { query: { errorPolicy: 'all' }, mutate: { errorPolicy: 'all' }, watchQuery: { errorPolicy: 'all' } },
  });
}
const client = clientWith(headers);

const LIST = gql`
  query List($after: String) {
    cases(first: 7, after: $after, orderBy: [{ field: NUMBER }]) {
      edges {
        cursor
        node {
          id
          number
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;
const CASE = gql`
  query Case($number: String!) {
    case(number: $number) {
      id
      owner {
        ... on Node {
          id
        }
      }
      comments(first: 1) {
        totalCount
      }
    }
  }
`;
const COMMENT = gql`
  mutation Comment($input: AddCommentInput!) {
    addComment(input: $input) {
      case {
        id
        comments(first: 1) {
          totalCount
        }
      }
      problems {
        code
        path
      }
    }
  }
`;
const CHANGES = gql`
  subscription Changes($number: String!) {
    caseChanged(number: $number) {
      what
      case {
        id
        student {
          id
          fullName
          ethnicities {
            name
          }
        }
      }
    }
  }
`;
const FORBIDDEN = gql`
  query Forbidden {
    cases(where: { outcome: { eq: "X" } }) {
      totalCount
    }
  }
`;

/** The numbers of all cases, read page by page into one list of the cache. */
async function allNumbers() {
  let { data } = await client.query({ query: LIST });
  const list = client.watchQuery({ query: LIST });
  const watching = list.subscribe(() => {});
  while (data.cases.pageInfo.hasNextPage) {
    await list.fetchMore({ variables: { after: data.cases.pageInfo.endCursor } });
    data = client.readQuery({ query: LIST });
  }
  watching.unsubscribe();
  return data.cases.edges.map(({ node }) => node.number);
}

const kindOf = error =>
  CombinedGraphQLErrors.is(error)
    ? { kind: 'graphql', codes: error.errors.map(({ extensions }) => extensions.code) }
    : { kind: ServerError.is(error) ? 'server' : String(error), status: error.statusCode };
const totalOf = ({ data }) => data.case?.comments?.totalCount;
const askCase = fetchPolicy => client.query({ query: CASE, variables: { number }, fetchPolicy });

const numbers = await allNumbers();
const requestsForThem = requests;
const before = totalOf(await askCase('network-only'));
const first = new Promise(resolve => client.subscribe({ query: CHANGES, variables: { number } }).subscribe(resolve));
await socket.iterate({ query: '{ __typename }' }).next(); // taken after the subscription, on the same socket
const change = body => client.mutate({ mutation: COMMENT, variables: { input: { number, body } } });
const refused = await change('');
await change('Rang home.');
const after = totalOf(await askCase('cache-only'));
const heard = await first;
const forbidden = kindOf((await client.query({ query: FORBIDDEN })).error);
const unauthenticated = kindOf((await clientWith({}).query({ query: LIST })).error);
const { problems } = refused.data.addComment;
console.log(
  JSON.stringify({
    numbers,
    requests: requestsForThem,
    before,
    after,
    problems,
    heard: { data: heard.data, extensions: heard.extensions },
    forbidden,
    unauthenticated,
  }),
);
process.exit(0);
