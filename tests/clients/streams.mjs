// Asks as graphql-ws (WebSocket) or graphql-sse (Server-Sent Events) does; prints {answers, heard, ended, connections}.
// Standard input: {client, url, headers, protocol?, single?, operations: [{query, variables}], watch?: {…}, hear?, pause?}.
//   operations  asked one after the other; `answers` has all results of each, an `error` message as a result with errors
//   watch       a subscription that is in place before them; they are over when it has `hear` answers
//   pause       once the subscription is in place, print "ready" and go on after the connection was lost and is back
//   ended       what came instead of an answer: a close code with its reason, or an HTTP status with its body
import { text } from 'node:stream/consumers';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import { WebSocket } from 'ws';

const given = JSON.parse(await text(process.stdin));
const { url, headers, operations = [], watch, hear = 1 } = given;
const connections = [];
const waiting = [];

/** Resolves when there was one more connection. */
const nextConnection = () => new Promise(resolve => waiting.push(resolve));
function connected() {
  connections.push(connections.length + 1);
  for (const resolve of waiting.splice(0)) resolve();
}
const soon = () => new Promise(resolve => setTimeout(resolve, 50));

/** The WebSocket of a client of another sub-protocol. */
class Older extends WebSocket {
  constructor(address) {
    super(address, given.protocol);
  }
}
const clients = {
  'graphql-ws': () =>
    createSocket({
      url: url.replace('http', 'ws'),
      connectionParams: headers,
      webSocketImpl: given.protocol ? Older : WebSocket,
      lazyCloseTimeout: 60_000, // one socket for all operations
      retryAttempts: given.pause ? Infinity : 0,
      retryWait: soon,
      shouldRetry: () => true, // a server that is being started refuses connections
      on: { connected },
    }),
  'graphql-sse': () =>
    createEvents({
      url,
      headers,
      singleConnection: given.single ?? false,
      retryAttempts: given.pause ? Infinity : 0,
      retry: soon,
    }),
};
const client = clients[given.client]();
const ofEvents = given.client === 'graphql-sse';

async function all(results) {
  const found = [];
  try {
    for await (const result of results) found.push(result);
  } catch (error) {
    if (!Array.isArray(error)) throw error;
    found.push({ errors: error });
  }
  return found;
}

async function ask() {
  const answers = [];
  for (const operation of operations) answers.push(await all(client.iterate(operation)));
  return answers;
}

/** A subscription that is in place: over SSE once its response begins, over a WebSocket after a later operation. */
async function watched() {
  const back = nextConnection();
  const results = client.iterate(watch, ofEvents ? { connected } : undefined);
  const first = results.next();
  first.catch(() => {}); // it is awaited below
  await Promise.race([back, first]);
  if (!ofEvents) await Promise.race([all(client.iterate({ query: '{ __typename }' })), first]);
  return { first, results };
}

async function told() {
  if (!watch) return { answers: await ask(), heard: [] };
  const { first, results } = await watched();
  if (given.pause) {
    const back = nextConnection();
    console.log('ready');
    await back;
    if (!ofEvents) await all(client.iterate({ query: '{ __typename }' }));
  }
  const answers = await ask();
  const heard = [];
  for (let next = await first; !next.done; next = await results.next()) {
    heard.push(next.value);
    if (heard.length === hear) break;
  }
  return { answers, heard };
}

async function endOf(error) {
  if (Array.isArray(error)) return { errors: error };
  if (error.code) return { code: error.code, reason: error.reason };
  if (error.response) return { status: error.response.status, body: await error.response.json().catch(() => null) };
  return { error: error.message };
}

let outcome;
try {
  outcome = { ...(await told()), ended: null };
} catch (error) {
  outcome = { answers: [], heard: [], ended: await endOf(error) };
}
console.log(JSON.stringify({ ...outcome, connections: connections.length }));
process.exit(0);
