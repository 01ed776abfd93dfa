/** The plain page at /graphql: run a prepared document or your own, as somebody, and see what was redacted. */

import { readConfig, reasonInWords, redactionsOf, rememberedChoice, roleName, Session } from './session.js';

const session = new Session(readConfig());

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} with id "${id}"`);
  return found;
}

const query = element('query', HTMLTextAreaElement);
const variables = element('variables', HTMLTextAreaElement);
const prepared = element('document', HTMLSelectElement);
const response = element('response', HTMLPreElement);
const standing = element('standing', HTMLParagraphElement);
const note = element('redacted-note', HTMLParagraphElement);
const table = element('redacted', HTMLTableElement);

/** @param {string} name @param {string} text */
function option(name, text) {
  const made = document.createElement('option');
  made.value = name;
  made.textContent = text;
  return made;
}

function showDocument() {
  const chosen = session.config.documents.find(one => one.name === prepared.value);
  if (!chosen) return;
  query.value = chosen.text;
  variables.value = chosen.variables;
  element('about', HTMLParagraphElement).textContent = chosen.about;
}

function forgetAnswer() {
  response.textContent = '';
  note.textContent = 'Run an operation: the fields that your roles may not see are listed here.';
  note.hidden = false;
  table.hidden = true;
}

/** @param {any} answer */
function showAnswer(answer) {
  response.textContent = JSON.stringify(answer, null, 2);
  const redactions = redactionsOf(answer);
  note.textContent = 'Nothing was redacted in this answer.';
  note.hidden = redactions.length > 0;
  table.hidden = redactions.length === 0;
  const rows = redactions.map(redaction => {
    const row = document.createElement('tr');
    const field = document.createElement('th');
    field.scope = 'row';
    field.textContent = redaction.field;
    const cells = [reasonInWords(redaction.reason), redaction.visibleTo.map(roleName).join(', ') || 'no role'].map(text => {
      const cell = document.createElement('td');
      cell.textContent = text;
      return cell;
    });
    row.append(field, ...cells);
    return row;
  });
  table.tBodies[0]?.replaceChildren(...rows);
}

async function run() {
  try {
    const given = variables.value.trim();
    showAnswer(await session.ask({ query: query.value, variables: given ? JSON.parse(given) : undefined }));
  } catch (error) {
    forgetAnswer();
    response.textContent = error instanceof SyntaxError ? `The variables are not JSON: ${error.message}` : String(error);
  }
}

/** Shows who one is after `signIn` is done, or why it failed. @param {() => Promise<boolean>} signIn */
async function showStanding(signIn) {
  forgetAnswer();
  standing.textContent = 'Signing in …';
  try {
    if (!(await signIn())) return;
    const identity = await session.identity();
    const roles = identity.roles.map(roleName).join(', ') || 'no role in effect';
    standing.textContent = [`${identity.name} for ${identity.organisation}: ${roles}`, ...identity.missing].join('. ');
  } catch (error) {
    standing.textContent = error instanceof Error ? error.message : String(error);
  }
}

async function startDemo() {
  const person = element('person', HTMLSelectElement);
  const organisation = element('organisation', HTMLSelectElement);
  const people = await session.people();
  const remembered = rememberedChoice();
  person.append(...people.map(one => option(one.email, `${one.displayName} · ${one.email}`)));

  const signIn = () => showStanding(() => session.signIn(person.value, organisation.value));
  const showOrganisations = () => {
    const contexts = people.find(one => one.email === person.value)?.organisations ?? [];
    organisation.replaceChildren(...contexts.map(one => option(one.number, `${one.name} (${one.number})`)));
  };
  if (people.some(one => one.email === remembered?.email)) person.value = remembered?.email ?? '';
  showOrganisations();
  if ([...organisation.options].some(one => one.value === remembered?.number)) organisation.value = remembered?.number ?? '';
  person.addEventListener('change', () => {
    showOrganisations();
    void signIn();
  });
  organisation.addEventListener('change', signIn);
  await signIn();
}

function startWithToken() {
  element('signin', HTMLFormElement).addEventListener('submit', event => {
    event.preventDefault();
    void showStanding(async () => {
      session.use(element('token', HTMLInputElement).value, element('organisation', HTMLInputElement).value);
      return true;
    });
  });
}

prepared.append(...session.config.documents.map(one => option(one.name, one.name)));
prepared.addEventListener('change', showDocument);
showDocument();
element('ask', HTMLFormElement).addEventListener('submit', event => {
  event.preventDefault();
  void run();
});
query.addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run();
});
if (session.config.demo) startDemo().catch(error => (standing.textContent = String(error.message)));
else startWithToken();
