// Drives PubSubClient over the `centrifuge` of npm as tests/support/sdks/driver.py says:
// node driver.mjs MODULES MODULE. What a handler gets is the event "handed", with a number
// for the order, or "lost".
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, module] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { Centrifuge } = require(`${modules}/centrifuge`);
const WebSocket = require(`${modules}/ws`);
const { PubSubClient } = await import(module);

const clients = {};
let number = 0;
const say = (record) => process.stdout.write(JSON.stringify(record) + "\n");
const handlersOf = (client, channel) => ({
  message: ({ data, offset }) => 
    say({ event: "handed", client, channel, data, offset: offset ?? 0, number: ++number }),
  lost: ({ after, before }) => say({ event: "lost", client, channel, after, before }),
});

// Says how many commands each message has, so that tests can count what is sent.
class CountingWebSocket extends WebSocket {
  send(text, ...rest) {
    say({ event: "sent", client: this.owner, commands: text.split("\n").map(nameOf) });
    super.send(text, ...rest);
  }
}
const nameOf = (line) => Object.keys(JSON.parse(line)).find((key) => key !== "id") ?? "ping";

const DO = {
  open({ client, url, token, timeout }) {
    class Socket extends CountingWebSocket {
      owner = client;
    }
    const centrifuge = new Centrifuge(url, {
      websocket: Socket,
      minReconnectDelay: 50,
      maxReconnectDelay: 200,
      ...(timeout ? { timeout: timeout * 1000 } : {}),
      ...(token ? { token } : {}),
    });
    clients[client] = { centrifuge, pubsub: new PubSubClient(centrifuge), subs: {} };
    centrifuge.on("connecting", ({ code }) => say({ event: "connecting", client, code }));
    centrifuge.on("connected", (ctx) => say({ event: "connected", client, id: ctx.client }));
    centrifuge.on("disconnected", ({ code }) => say({ event: "disconnected", client, code }));
  },
  connect: ({ client }) => clients[client].centrifuge.connect(),
  disconnect: ({ client }) => clients[client].centrifuge.disconnect(),
  subscribe({ client, channels, since, state }) {
    const { pubsub, subs } = clients[client];
    const options = {
      ...(since ? { since } : {}),
      ...(state ? { getState: async () => state } : {}),
    };
    for (const channel of channels) {
      const sub = pubsub.subscribe(channel, handlersOf(client, channel), options);
      sub.on("subscribed", ({ recovered, streamPosition }) =>
        say({ event: "subscribed", client, channel, recovered, position: streamPosition ?? null }),
      );
      subs[channel] = sub;
    }
  },
  listen: ({ client, channel }) => clients[client].pubsub.listen(channel, handlersOf(client, channel)),
  toggle({ client, channel }) {
    clients[client].subs[channel].unsubscribe();
    clients[client].subs[channel].subscribe();
  },
  // As if the computer had slept: the wall clock goes on by as much.
  sleep({ seconds }) {
    const now = Date.now;
    Date.now = () => now() + seconds * 1000;
  },
  publish: ({ client, channel, data }) => clients[client].pubsub.publish(channel, data),
  rpc: async ({ client, method, data }) => (await clients[client].pubsub.rpc(method, data)).data,
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, do: name, ...request } = JSON.parse(line);
    try {
      say({ reply: id, result: (await DO[name](request)) ?? null });
    } catch (error) {
      say({ reply: id, error: { code: error.code ?? 0, message: error.message } });
    }
  })
  .on("close", () => process.exit(0));
