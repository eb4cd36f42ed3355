// The official SDK for JavaScript v3 on Node, with kept connections.
//
//     node node_sdk.cjs NODE_MODULES
//
// Speaks as benchmarks/worker.py does: one JSON object a line, in and out.
"use strict";

const https = require("node:https");
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");

const CONCURRENCY = 32;
const [folder] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(folder), "..", "package.json"));
const {
  ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} = load("@aws-sdk/client-apigatewaymanagementapi");

const kept = { keepAlive: true, maxSockets: CONCURRENCY };
const clients = new Map();

function clientOf(endpoint) {
  if (!clients.has(endpoint)) {
    clients.set(
      endpoint,
      new ApiGatewayManagementApiClient({
        endpoint,
        requestHandler: {
          httpAgent: new http.Agent(kept),
          httpsAgent: new https.Agent(kept),
        },
      }),
    );
  }
  return clients.get(endpoint);
}

async function postSome(client, remaining, data) {
  let delivered = 0;
  for (const id of remaining) {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId: id, Data: data }));
    } catch (error) {
      if (error instanceof GoneException) continue;
      throw error;
    }
    delivered += 1;
  }
  return delivered;
}

async function answer(request) {
  const client = clientOf(request.endpoint);
  const data = Buffer.from(request.data);
  const remaining = request.connection_ids.values();
  const cpu = process.cpuUsage();
  const started = process.hrtime.bigint();
  const tasks = Array.from({ length: CONCURRENCY }, () => postSome(client, remaining, data));
  const delivered = (await Promise.all(tasks)).reduce((sum, each) => sum + each, 0);
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { delivered, cpu: (user + system) / 1e6, wall };
}

function say(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

async function main() {
  say({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    say(await answer(JSON.parse(line)));
  }
  process.exit(0);
}

main();
