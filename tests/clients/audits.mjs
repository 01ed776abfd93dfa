// Audits a server as graphql-http does, for GraphQL over HTTP; prints [{id, name, status, reason}].
// Standard input: {url, headers}.
import { text } from 'node:stream/consumers';
import { serverAudits } from 'graphql-http';

const { url, headers } = JSON.parse(await text(process.stdin));
const fetchFn = (address, options = {}) => fetch(address, { ...options, headers: { ...options.headers, ...headers } });
const results = [];
for (const { id, name, fn } of serverAudits({ url, fetchFn })) {
  const { status, reason } = await fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
