// Calls the Management API through one of AWS's SDKs for JavaScript, unmodified.
// Prints what came of each call: its result, or the name and HTTP status of the error.
const [modules, version, endpoint, secureEndpoint, id] = process.argv.slice(2);
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const options = {
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};

const SDKS = {
  v2(endpoint) {
    const { ApiGatewayManagementApi } = require(`${modules}/aws-sdk`);
    const client = new ApiGatewayManagementApi({ endpoint, ...options });
    return {
      post: (ConnectionId, Data) =>
        client.postToConnection({ ConnectionId, Data }).promise(),
      get: (ConnectionId) => client.getConnection({ ConnectionId }).promise(),
      delete: (ConnectionId) => client.deleteConnection({ ConnectionId }).promise(),
    };
  },
  v3(endpoint) {
    const sdk = require(`${modules}/@aws-sdk/client-apigatewaymanagementapi`);
    const client = new sdk.ApiGatewayManagementApiClient({ endpoint, ...options });
    return {
      post: (ConnectionId, Data) =>
        client.send(new sdk.PostToConnectionCommand({ ConnectionId, Data })),
      get: (ConnectionId) =>
        client.send(new sdk.GetConnectionCommand({ ConnectionId })),
      delete: (ConnectionId) =>
        client.send(new sdk.DeleteConnectionCommand({ ConnectionId })),
    };
  },
};

const describe = ({ Identity, ConnectedAt }) => ({
  sourceIp: Identity.SourceIp,
  userAgent: Identity.UserAgent ?? null,
  isDate: ConnectedAt instanceof Date,
});

(async () => {
  const open = SDKS[version];
  const api = open(endpoint);
  const outcomes = {};
  const attempt = async (name, call) => {
    try {
      outcomes[name] = await call();
    } catch (error) {
      const status = error.$metadata?.httpStatusCode ?? error.statusCode;
      outcomes[name] = `${error.name} ${status}`;
    }
  };
  const post = (api, id, data) => async () => {
    await api.post(id, data);
    return "posted";
  };
  await attempt("post", post(api, id, Buffer.from("grüße €")));
  await attempt("post over TLS", post(open(secureEndpoint), id, "over TLS"));
  await attempt("get", async () => describe(await api.get(id)));
  await attempt("unknown", post(api, "AAAAAAAAAAAAAAA=", "x"));
  await attempt("malformed", post(api, "no-id", "x"));
  await attempt("too large", post(api, id, "x".repeat(131_073)));
  const stageless = open(endpoint.replace(/\/[^/]+$/, ""));
  await attempt("without a stage", post(stageless, id, "x"));
  await attempt("delete", async () => {
    await api.delete(id);
    return "deleted";
  });
  await attempt("deleted", post(api, id, "x"));
  console.log(JSON.stringify(outcomes));
})();
