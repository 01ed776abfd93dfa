// Asks as urql does with its cache and its exchange for persisted queries; prints {answers, heard, wire}.
// Standard input: {url, headers, queries, mutation, subscription}, each {query, variables}.
//   queries  each is asked twice: the second time past the cache
//   wire     what went over it for each request: {method, hasQuery, hasHash, status, type}
import { text } from 'node:stream/consumers';
import { cacheExchange, createClient, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

const { url, headers, queries, mutation, subscription } = JSON.parse(await text(process.stdin));
const wire = [];

async function observed(address, options) {
  const response = await fetch(address, options);
  const isGet = options.method === 'GET';
  const sent = isGet ? Object.fromEntries(new URL(address).searchParams) : JSON.parse(options.body);
  wire.push({
    method: options.method,
    hasQuery: Boolean(sent.query),
    hasHash: Boolean(sent.extensions?.persistedQuery ?? sent.extensions?.includes?.('persistedQuery')),
    status: response.status,
    type: response.headers.get('content-type'),
  });
  return response;
}
const client = createClient({
  url,
  fetch: observed,
  fetchOptions: { headers },
  fetchSubscriptions: true, // over Server-Sent Events
  preferGetMethod: false,
  exchanges: [cacheExchange, persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
});
const shown = ({ data, error, extensions }) => ({
  data: data ?? null,
  codes: error?.graphQLErrors.map(one => one.extensions.code) ?? [],
  network: error?.networkError ? String(error.networkError) : null,
  extensions: extensions ?? null,
});
const answers = [];
for (const { query, variables } of queries) {
  for (const requestPolicy of ['cache-first', 'network-only']) {
    answers.push(shown(await client.query(query, variables, { requestPolicy }).toPromise()));
  }
}
let heard = null;
if (subscription) {
  const first = new Promise(resolve => {
    client.subscription(subscription.query, subscription.variables).subscribe(result => resolve(shown(result)));
  });
  while (!wire.some(({ type }) => type?.startsWith('text/event-stream'))) await new Promise(resolve => setTimeout(resolve, 20));
  answers.push(shown(await client.mutation(mutation.query, mutation.variables).toPromise()));
  heard = await first;
}
console.log(JSON.stringify({ answers, heard, wire }));
process.exit(0);
