// node frames.mjs MODULES MODULE: subscribes to topics until the module refuses, loses the
// connection, and says how large the message is with which `centrifuge` comes back.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const [modules, module] = process.argv.slice(2);
const { Centrifuge } = createRequire(import.meta.url)(`${modules}/centrifuge`);
const { PubSubClient } = await import(module);
const { nameBytes, token, data, subscription, connectBytes } = JSON.parse(await text(process.stdin));

const FAR = 2 ** 53 - 2; // the longest offset that a log may have
const sent = [];
let socket;

class FakeWebSocket {
  constructor() {
    socket = this;
    setTimeout(() => this.onopen(), 0);
  }
  send(frame) {
    sent.push(new TextEncoder().encode(frame).length);
    const replies = frame.split("\n").map((line) => this.answer(JSON.parse(line)));
    setTimeout(() => this.onmessage({ data: replies.join("\n") }), 0);
  }
  answer({ id, connect }) {
    if (connect) return JSON.stringify({ id, connect: { client: "one" } });
    const position = { epoch: "e".repeat(16), offset: FAR };
    return JSON.stringify({ id, subscribe: { recoverable: true, positioned: true, ...position } });
  }
  close() {}
}

const centrifuge = new Centrifuge("ws://nowhere", {
  websocket: FakeWebSocket,
  minReconnectDelay: 1,
  maxReconnectDelay: 2,
  token,
  data,
});
const client = new PubSubClient(centrifuge, connectBytes ? { connectBytes } : {});
centrifuge.connect();
await centrifuge.ready();

const subscriptions = [];
let refused;
while (!refused) {
  const topic = String(subscriptions.length).padStart(nameBytes, "x");
  try {
    subscriptions.push(client.subscribe(topic, { message() {}, lost() {} }, subscription));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refused = error.message;
  }
}
const all = () => Promise.all(subscriptions.map((each) => each.ready()));
await all();
sent.length = 0;
socket.onclose({ code: 1006, reason: "" });
await all();
console.log(JSON.stringify({ accepted: subscriptions.length, bytes: Math.max(...sent), refused }));
process.exit(0);
