// An OpenID provider for one story: `node sign_in_provider.mjs PORT`. Its access tokens live for four seconds, its
// refresh tokens are given once. Anybody may sign in; the client `secretive` has a secret, the client `open` has none.
import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const client = {
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/", "http://localhost"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...client, client_id: "open", token_endpoint_auth_method: "none" },
    {
      ...client,
      client_id: "secretive",
      client_secret: "a-client-secret-for-one-story",
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  scopes: ["openid", "offline_access", "mail"],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 4, RefreshToken: 3600, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 600 },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
provider.listen(port, "127.0.0.1", () => {
  process.stdout.write("ready\n");
});
