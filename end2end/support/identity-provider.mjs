// An identity provider for the stories of signing on: the certified `oidc-provider`, on loopback, with people who log in by
// their name alone. Run as: node identity-provider.mjs ORIGIN [PORT], where ORIGIN is the console's. It prints its issuer.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [origin, port = "0"] = process.argv.slice(2);

// The issuer holds the port, so the port comes first.
const server = createServer();
await new Promise((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const PEOPLE = {
  ada: { email: "ada@company.example", email_verified: true, groups: ["staff", "tributary-admins"] },
  carl: { email: "carl@company.example", email_verified: true, groups: ["customer-success"] },
  nora: { email: "nora@company.example", email_verified: true, groups: ["staff"] },
  // Their address is an account's already, and the provider vouches for the first alone.
  vera: { email: "vera@company.example", email_verified: true, groups: ["customer-success"] },
  uma: { email: "uma@company.example", email_verified: false, groups: ["customer-success"] },
};

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "tributary",
      client_secret: "an-unlikely-secret-of-the-client",
      redirect_uris: [`${origin}/sign-on/callback`],
      post_logout_redirect_uris: [`${origin}/log-in`],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "first" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
  scopes: ["openid", "email", "groups"],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      logoutSource: (ctx, form) => {
        ctx.body = page("Log out", `${form}<button form="op.logoutForm" name="logout" value="yes">Log out here, too</button>`);
      },
    },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) },
  // Nobody is asked whether they consent: the operator did for all.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email groups");
    await grant.save();
    return grant;
  },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 3600 },
});

provider.on("server_error", (ctx, error) => console.error(error));

function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,"><h1>${title}</h1>${content}</html>`;
}

const FORM = page(
  "Who are you?",
  `<form method="post"><label>Name <input name="name"></label>
   <button name="do" value="log in">Log in</button> <button name="do" value="decline">Decline</button></form>`,
);

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

async function interact(request, response) {
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(FORM);
    return;
  }
  const said = await body(request);
  const result =
    said.get("do") === "decline"
      ? { error: "access_denied", error_description: "the person declined" }
      : { login: { accountId: said.get("name") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const handle = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) return handle(request, response);
  interact(request, response).catch((error) => {
    response.statusCode = 400;
    response.end(`${error}`);
  });
});
console.log(issuer);
