// A certified OpenID provider (oidc-provider) on loopback. Reads its set-up as one JSON line on standard input:
// {port, keys: [JWK], accounts: {address: {sub, …claims}}, redirect, client: {id, secret, scope}}.
// A resource `urn:ascms:ALG` is given access tokens signed so. Prints `ready` once it listens.
import { createServer } from "node:http";
import { createInterface } from "node:readline/promises";

import { Provider } from "oidc-provider";

const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const setUp = JSON.parse(line);
const issuer = `http://127.0.0.1:${setUp.port}`;
const resources = setUp.keys.map((key) => `urn:ascms:${key.alg}`);
const resourceScope = `openid offline_access ${setUp.client.scope}`;
const bySubject = new Map(Object.values(setUp.accounts).map((account) => [account.sub, account]));

const provider = new Provider(issuer, {
  jwks: { keys: setUp.keys },
  cookies: { keys: ["only for tests"] },
  clients: [
    {
      client_id: "portal",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [setUp.redirect],
      application_type: "native",
    },
    {
      client_id: setUp.client.id,
      client_secret: setUp.client.secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: setUp.client.scope,
    },
  ],
  scopes: ["openid", "offline_access", "email", "profile", ...setUp.client.scope.split(" ")],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => bySubject.get(sub) ?? { sub } }),
  // The API is told in the access token whom the issuer vouches for.
  extraTokenClaims: (_context, token) => token.accountId && { org_id: bySubject.get(token.accountId)?.org_id },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resources[0],
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => ({
        scope: resourceScope,
        audience: "ascms",
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
        jwt: { sign: { alg: resource.split(":").at(-1) } },
      }),
    },
  },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (context) => {
    const { client, session, account } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId ?? session.accountId });
    grant.addOIDCScope("openid offline_access email profile");
    resources.forEach((resource) => grant.addResourceScope(resource, resourceScope));
    await grant.save();
    return grant;
  },
});

const handle = provider.callback();
createServer(async (request, response) => {
  // Whoever comes here says with `login` who they are: there are no passwords among the tests.
  const address = new URL(request.url, issuer);
  if (!address.pathname.startsWith("/interaction/")) {
    return handle(request, response);
  }
  const account = setUp.accounts[address.searchParams.get("login")];
  if (account === undefined) {
    return response.writeHead(401).end();
  }
  return provider.interactionFinished(request, response, { login: { accountId: account.sub }, consent: {} });
}).listen(setUp.port, "127.0.0.1", () => console.log("ready"));
