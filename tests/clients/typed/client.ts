/** A client in TypeScript, whose documents and types graphql-codegen generated from schema.graphql and queries/. */
import {
  CaseViewDocument,
  CommentDocument,
  HomeDocument,
  RefetchDocument,
  StudentsDocument,
  type CaseViewQuery,
  type TypedDocumentString,
} from './gql/graphql';

export type Server = { url: string; headers: Record<string, string> };
type Redaction = { field: string; paths: string[]; reason: string; visibleTo: string[] };
type GraphQLError = { message: string; path?: (string | number)[]; extensions: { code: string } };
export type Answer<Result> = {
  data?: Result | null;
  errors?: GraphQLError[];
  extensions?: { access: { redacted: Redaction[] } };
};

/** The answer to a document, whose variables have the types that it wants. */
export async function execute<Result, Variables>(
  server: Server,
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Answer<Result>> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', ...server.headers },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  return (await response.json()) as Answer<Result>;
}

type Case = NonNullable<CaseViewQuery['case']>;

/** The owner is a person or an organisation: the type says which fields each has. */
function ownerOf(one: Case): string | null {
  if (!one.owner) return null;
  return 'displayName' in one.owner ? one.owner.displayName : one.owner.name;
}

/** What a page of the application shows of a case, and what is hidden from its reader. */
export async function caseOf(server: Server, number: string) {
  const { data, extensions } = await execute(server, CaseViewDocument, { number });
  const shown = data?.case;
  if (!shown) return null;
  return {
    number: shown.number,
    status: shown.status,
    owner: ownerOf(shown),
    name: shown.student?.fullName ?? null,
    ethnicities: shown.student?.ethnicities?.map(one => one.name) ?? null,
    comments: shown.comments?.totalCount ?? null,
    hidden: extensions?.access.redacted.map(one => one.field) ?? [],
  };
}

export async function home(server: Server) {
  const { data, errors } = await execute(server, HomeDocument, {});
  return {
    roles: data?.viewer.roles ?? [],
    numbers: data?.cases?.nodes.map(one => one.number) ?? null,
    codes: errors?.map(one => one.extensions.code) ?? [],
  };
}

export async function problemsOf(server: Server, number: string, body: string) {
  const { data } = await execute(server, CommentDocument, { input: { number, body, visibility: 'SHARED' } });
  return data?.addComment?.problems.map(({ code, path }) => ({ code, path })) ?? null;
}

/** A student by the identifier that a list gave. */
export async function sameStudent(server: Server): Promise<boolean> {
  const list = await execute(server, StudentsDocument, { search: null });
  const first = list.data?.students?.nodes[0];
  if (!first) return false;
  const { data } = await execute(server, RefetchDocument, { id: first.id });
  return data?.node?.__typename === 'Student' && data.node.fullName === first.fullName;
}

/** What does not go by the schema is no program: each line below has to be an error. */
export async function wrong(server: Server): Promise<unknown[]> {
  // @ts-expect-error: a case number is text
  const first = await execute(server, CaseViewDocument, { number: 307473 });
  // @ts-expect-error: the number is needed
  const second = await execute(server, CaseViewDocument, {});
  // @ts-expect-error: there is no such visibility
  await execute(server, CommentDocument, { input: { number: '1', body: 'x', visibility: 'PUBLIC' } });
  // @ts-expect-error: the case may be null
  const third = first.data?.case.number;
  // @ts-expect-error: it was not asked for
  return [second, third, first.data?.case?.closingSummary];
}
