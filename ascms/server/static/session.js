/**
 * A signed-in session of the browser with this server: who asks, for which organisation, and what came back.
 *
 * Both the IDE (bundled from `ide/`) and the plain page (`plain.js`) use this file and nothing else to talk to the
 * server. Tokens are kept in memory only; what is remembered between page loads is the choice of demo person.
 *
 * @typedef {{name: string, about: string, text: string, variables: string, isExample: boolean}} PreparedDocument
 * @typedef {{demo: boolean, graphql: string, people: string, authorize: string, token: string, callback: string,
 *   clientId: string, documents: PreparedDocument[]}} Config
 * @typedef {{number: string, name: string, roles: string[]}} PersonContext
 * @typedef {{email: string, displayName: string, organisations: PersonContext[]}} Person
 * @typedef {{field: string, paths: string[], reason: string, visibleTo: string[]}} Redaction
 * @typedef {{name: string, organisation: string, roles: string[], missing: string[]}} Identity
 */

const CHOICE = 'ascms.choice';

/** @returns {Config} */
export function readConfig() {
  return JSON.parse(document.getElementById('config')?.textContent ?? '{}');
}

/** `ATTENDANCE_LEAD` as people say it: `Attendance Lead`. @param {string} role */
export function roleName(role) {
  return role
    .split('_')
    .map(word => word[0] + word.slice(1).toLowerCase())
    .join(' ');
}

/** What `extensions.access.redacted` of an answer lists. @param {any} answer @returns {Redaction[]} */
export function redactionsOf(answer) {
  return answer?.extensions?.access?.redacted ?? [];
}

/** Why a field is redacted, in words. @param {string} reason */
export function reasonInWords(reason) {
  return reason === 'ROW' ? 'On some rows' : 'Not for your roles';
}

/** The choice of demo person that this browser tab made last, or null. @returns {{email: string, number: string} | null} */
export function rememberedChoice() {
  return JSON.parse(sessionStorage.getItem(CHOICE) ?? 'null');
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

export class Session {
  /** The sign-in under way, if there is one; it never rejects. @type {Promise<unknown>} */
  #pending = Promise.resolve();
  /** @type {() => void} */
  #announce = () => {};

  /** @param {Config} config */
  constructor(config) {
    this.config = config;
    /** @type {string | null} */
    this.token = null;
    /** The acting organisation's number where the token does not say it. @type {string | null} */
    this.organisation = null;
    /** @type {{email: string, number: string} | null} */
    this.choice = null;
    /** @type {Identity | null} */
    this.who = null;
    /** Done when somebody has signed in for the first time. @type {Promise<void>} */
    this.signedIn = new Promise(resolve => (this.#announce = resolve));
  }

  /** The people of the demo. @returns {Promise<Person[]>} */
  async people() {
    const response = await fetch(this.config.people, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`The list of demo people could not be read (HTTP ${response.status}).`);
    return response.json();
  }

  /**
   * Sign in as a person of the demo, acting for an organisation: authorization code with PKCE, without leaving the page.
   *
   * The provider answers `prompt=none` with a redirect to our own callback page; fetch follows it, and the code is in the
   * address where it ends. A later choice wins over one that is still under way (then this returns false).
   * @param {string} email @param {string} number
   */
  signIn(email, number) {
    const signingIn = this.#signIn(email, number);
    this.#pending = signingIn.catch(() => {});
    return signingIn;
  }

  /** @param {string} email @param {string} number */
  async #signIn(email, number) {
    const choice = { email, number };
    this.choice = choice;
    this.token = null;
    this.who = null;
    const token = await this.#authorise(email, number);
    if (this.choice !== choice) return false;
    this.token = token;
    this.organisation = null;
    sessionStorage.setItem(CHOICE, JSON.stringify(choice));
    this.#announce();
    return true;
  }

  /** Use a bearer token that the reader brought. @param {string} token @param {string} organisation */
  use(token, organisation) {
    this.token = token.trim().replace(/^Bearer\s+/i, '') || null;
    this.organisation = organisation.trim() || null;
    this.who = null;
    this.#announce();
  }

  /**
   * Ask the API, as whoever is being signed in. In the demo, a token that ran out is renewed once.
   * @param {{query: string, variables?: unknown, operationName?: string | null}} body @returns {Promise<any>}
   */
  async ask(body) {
    await this.#pending;
    let response = await this.#post(body);
    if (response.status === 401 && this.config.demo && this.choice) {
      if (await this.signIn(this.choice.email, this.choice.number)) response = await this.#post(body);
    }
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      return { errors: [{ message: text || `The server answered HTTP ${response.status} without a body.` }] };
    }
  }

  /** Who the server takes us for; kept in `who` until the next sign-in. @returns {Promise<Identity>} */
  async identity() {
    const query = '{ viewer { user { displayName } actingFor { number name } roles missing } }';
    const answer = await this.ask({ query });
    const viewer = answer.data?.viewer;
    if (!viewer) throw new Error(answer.errors?.[0]?.message ?? 'The server did not say who is signed in.');
    const { actingFor } = viewer;
    this.who = {
      name: viewer.user?.displayName ?? 'Signed in',
      organisation: actingFor ? `${actingFor.name} (${actingFor.number})` : 'no organisation chosen',
      roles: viewer.roles,
      missing: viewer.missing,
    };
    return this.who;
  }

  /** @param {object} body */
  #post(body) {
    /** @type {Record<string, string>} */
    const headers = {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
    };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (this.organisation) headers['x-ascms-organisation'] = this.organisation;
    return fetch(this.config.graphql, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** @param {string} email @param {string} number @returns {Promise<string>} */
  async #authorise(email, number) {
    if (!crypto.subtle) {
      throw new Error('Signing in needs a secure address: open this page at https://…, http://127.0.0.1 or http://localhost.');
    }
    const verifier = randomText();
    const state = randomText();
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    const redirectUri = new URL(this.config.callback, location.origin).href;
    const question = new URLSearchParams({
      response_type: 'code',
      client_id: this.config.clientId,
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: 'S256',
      prompt: 'none',
      login_hint: email,
      organisation: number,
    });
    const landed = new URL((await fetch(`${this.config.authorize}?${question}`)).url).searchParams;
    const code = landed.get('code');
    if (!code || landed.get('state') !== state) {
      throw new Error(`Sign-in as ${email} was refused: ${landed.get('error_description') ?? landed.get('error') ?? 'no code was given'}.`);
    }
    return this.#redeem(code, verifier, redirectUri);
  }

  /** @param {string} code @param {string} verifier @param {string} redirectUri @returns {Promise<string>} */
  async #redeem(code, verifier, redirectUri) {
    const response = await fetch(this.config.token, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: this.config.clientId,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`No token was given: ${answer.error_description ?? answer.error}.`);
    return answer.access_token;
  }
}
