// The same handler with the official SDK for JavaScript v3, on Node.
"use strict";

const {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} = require("@aws-sdk/client-apigatewaymanagementapi");

const CONCURRENCY = 32;
const client = new ApiGatewayManagementApiClient({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "none" },
});

const post = (id, text) =>
  client.send(new PostToConnectionCommand({ ConnectionId: id, Data: text }));

async function postSome(remaining, text) {
  for (const id of remaining) await post(id, text);
}

exports.handler = async (event) => {
  const { connectionId, eventType } = event.requestContext;
  if (eventType === "MESSAGE") {
    const message = JSON.parse(event.body);
    if (message.action === "answer") return { statusCode: 200, body: connectionId };
    if (message.action === "all") {
      const remaining = message.ids.values();
      const tasks = Array.from({ length: CONCURRENCY }, () =>
        postSome(remaining, message.text),
      );
      await Promise.all(tasks);
    } else await post(connectionId, connectionId);
  }
  return { statusCode: 200 };
};
