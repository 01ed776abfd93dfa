// Asks as Apollo Client does with its link for persisted queries; prints what came, and what went over the wire.
// Standard input: {url, headers, link: {…}, operations: [{text, variables, hash}]}; a hash replaces the text's own.
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';

const { url, headers, link, operations } = JSON.parse(await text(process.stdin));
const wire = [];
const hashes = new Map();

async function observed(address, options) {
  const response = await fetch(address, options);
  const sent = options.method === 'GET' ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(options.body);
  wire.push({
    method: options.method,
    hasQuery: Boolean(sent.query),
    hasHash: Boolean(sent.extensions?.persistedQuery ?? sent.extensions?.includes?.('persistedQuery')),
    status: response.status,
    type: response.headers.get('content-type'),
  });
  return response;
}

const nameOf = document => document.definitions.find(one => one.kind === 'OperationDefinition').name.value;
const sha256 = query => createHash('sha256').update(query).digest('hex');
const persisted = new PersistedQueryLink({
  ...link,
  ...(operations.some(one => one.hash) ? { generateHash: document => hashes.get(nameOf(document)) } : { sha256 }),
});
const client = new ApolloClient({
  cache: new InMemoryCache({ addTypename: false }),
  link: persisted.concat(new HttpLink({ uri: url, headers, fetch: observed })),
  defaultOptions: { query: { fetchPolicy: 'no-cache', errorPolicy: 'all' }, mutate: { errorPolicy: 'all' } },
});
const answers = [];
for (const { text: source, variables, hash } of operations) {
  const document = gql(source);
  if (hash) hashes.set(nameOf(document), hash);
  const isMutation = document.definitions.some(one => one.operation === 'mutation');
  const { data, error } = isMutation
    ? await client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' })
    : await client.query({ query: document, variables });
  answers.push({ data, errors: error?.errors ?? (error ? [{ message: String(error) }] : []) });
}
console.log(JSON.stringify({ answers, wire }));
