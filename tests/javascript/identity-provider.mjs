// A certified OpenID provider, on a port of its own, which it prints. It takes commands as JSON, one a line, and answers each with
// a line: { bridge } is whose client it has, { roles } what it says of whom, { idTokenSeconds, refreshes } how long
// that holds, { rotate } gives it other keys, and { away } has it hang up where a path
// begins so.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const settings = { idTokenSeconds: 3600, refreshes: true, away: null, roles: {} };
const http = createServer((request, response) => {
  if (settings.away !== null && request.url.startsWith(settings.away)) request.socket.destroy();
  else void answer(request, response);
});
let provider;
let keys = 0;

function begin() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: `key-${(keys += 1)}` };
  // By another name than the bridge, so that browsers take it for another site.
  provider = new Provider(`http://localhost:${http.address().port}`, {
    clients: [
      {
        client_id: "bridge",
        client_secret: settings.secret,
        redirect_uris: [`${settings.bridge}/ops/sign-in/return`],
        post_logout_redirect_uris: [`${settings.bridge}/ops`],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["a key of its own cookies, for tests"] },
    claims: { openid: ["sub", "roles"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: { IdToken: () => settings.idTokenSeconds, Session: 3600, Grant: 3600, Interaction: 3600, AccessToken: 3600, RefreshToken: 3600 },
    rotateRefreshToken: true, // and whoever brings an old one has none any more
    issueRefreshToken: () => settings.refreshes,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        logoutSource(context, form) {
          const button = '<button type="submit" form="op.logoutForm" value="yes" name="logout">Yes, sign me out</button>';
          context.body = `<!doctype html><html lang="en"><title>Sign out</title>${form}${button}`;
        },
      },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, roles: settings.roles[id] ?? [] }) }),
    // Whoever signs in agrees.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  });
  provider.on("server_error", (_context, error) => console.error(error));
}

async function answer(request, response) {
  if (!request.url.startsWith("/interaction/")) {
    provider.callback()(request, response);
    return;
  }
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html");
    response.end(
      '<!doctype html><html lang="en"><title>The provider</title><form method="post"><label>Account <input name="account" autofocus></label>' +
        '<button>Continue</button><button name="cancel" value="1">Cancel</button></form>',
    );
    return;
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const given = new URLSearchParams(Buffer.concat(parts).toString());
  const result = given.has("cancel")
    ? { error: "access_denied", error_description: "they did not want to" }
    : { login: { accountId: given.get("account") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

http.listen(0, "127.0.0.1", () => {
  console.log(http.address().port);
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const command = JSON.parse(line);
      Object.assign(settings, command);
      if (command.bridge !== undefined || command.rotate === true) begin();
      console.log("done");
    })
    .on("close", () => process.exit());
});
