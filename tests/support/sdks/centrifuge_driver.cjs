// Drives the unmodified `centrifuge` of npm as tests/support/sdks/driver.py says.
// A request a line comes in; replies and what the SDK reports go out, a line each.
const [modules] = process.argv.slice(2);
const { Centrifuge } = require(modules + "/centrifuge");
const WebSocket = require(modules + "/ws");

const clients = {};
const say = (record) => process.stdout.write(JSON.stringify(record) + "\n");

const describeInfo = (info) =>
  info && { user: info.user, client: info.client, conn_info: info.connInfo ?? null };
const describePosition = (position) =>
  position ? { offset: position.offset, epoch: position.epoch } : null;
const describePublication = ({ data, offset, info }) => ({
  data,
  offset: offset ?? 0,
  info: describeInfo(info) ?? null,
});
const describeSubscribed = (ctx) => ({
  recovered: ctx.recovered,
  was_recovering: ctx.wasRecovering,
  recoverable: ctx.recoverable,
  position: describePosition(ctx.streamPosition),
  data: ctx.data ?? null,
});

// What comes with an event, by its name; a server-side subscription's events are the
// client's own and have a channel.
const DESCRIBE = {
  connecting: ({ code, reason }) => ({ code, reason }),
  connected: ({ client, data }) => ({ id: client, data: data ?? null }),
  disconnected: ({ code, reason }) => ({ code, reason }),
  error: ({ type, error }) => ({ type, code: error.code, reason: error.message }),
  message: ({ data }) => ({ data }),
  subscribing: ({ code, reason }) => ({ code, reason }),
  subscribed: describeSubscribed,
  unsubscribed: ({ code, reason }) => ({ code, reason }),
  publication: describePublication,
  join: ({ info }) => ({ info: describeInfo(info) }),
  leave: ({ info }) => ({ info: describeInfo(info) }),
};

function listen(emitter, name, about) {
  for (const [event, describe] of Object.entries(DESCRIBE)) {
    emitter.on(event, (ctx) => {
      const channel = ctx.channel === undefined ? {} : { channel: ctx.channel };
      say({ event, client: name, ...about, ...channel, ...describe(ctx) });
    });
  }
}

// What a callback returns, in this order; the last one again and again.
const inOrder = (values, onAsked) => () => {
  const value = values.length > 1 ? values.shift() : values[0];
  onAsked();
  return Promise.resolve(value);
};

const DO = {
  async open({ client, url, token, tokens, data, timeout, max_ping_delay }) {
    const options = {
      websocket: WebSocket,
      minReconnectDelay: 50,
      maxReconnectDelay: 200,
      ...(timeout ? { timeout: timeout * 1000 } : {}),
      ...(max_ping_delay ? { maxServerPingDelay: max_ping_delay * 1000 } : {}),
      ...(token ? { token } : {}),
      ...(data ? { data } : {}),
    };
    if (tokens) {
      options.getToken = inOrder(tokens, () => say({ event: "token_asked", client }));
    }
    clients[client] = new Centrifuge(url, options);
    listen(clients[client], client, {});
  },
  async connect({ client }) {
    clients[client].connect();
  },
  async disconnect({ client }) {
    clients[client].disconnect();
  },
  async subscribe({ client, channels, states, data }) {
    const made = channels.map((channel) => {
      const options = { minResubscribeDelay: 50, ...(data ? { data } : {}) };
      if (states) {
        const asked = () => say({ event: "state_asked", client, channel });
        options.getState = inOrder(states, asked);
      }
      let sub = clients[client].getSubscription(channel);
      if (sub === null) {
        sub = clients[client].newSubscription(channel, options);
        listen(sub, client, { channel });
      }
      return sub;
    });
    made.forEach((sub) => sub.subscribe());
  },
  async unsubscribe({ client, channel }) {
    clients[client].getSubscription(channel).unsubscribe();
  },
  async toggle({ client, channel }) {
    const sub = clients[client].getSubscription(channel);
    sub.unsubscribe();
    sub.subscribe();
  },
  async publish({ client, channel, data }) {
    await clients[client].publish(channel, data);
  },
  async presence({ client, channel }) {
    const { clients: present } = await clients[client].presence(channel);
    return Object.fromEntries(
      Object.entries(present).map(([id, info]) => [id, describeInfo(info)]),
    );
  },
  async presence_stats({ client, channel }) {
    const stats = await clients[client].presenceStats(channel);
    return { num_clients: stats.numClients, num_users: stats.numUsers };
  },
  async history({ client, channel, limit, since, reverse }) {
    const options = { limit, reverse, ...(since ? { since } : {}) };
    const page = await clients[client].history(channel, options);
    const publications = page.publications.map(describePublication);
    return { publications, offset: page.offset, epoch: page.epoch };
  },
  async rpc({ client, method, data }) {
    return (await clients[client].rpc(method, data)).data;
  },
};

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const request = JSON.parse(line);
    DO[request.do](request).then(
      (result) => say({ reply: request.id, result: result ?? null }),
      (error) => say({ reply: request.id, error: { code: error.code, message: error.message } }),
    );
  })
  .on("close", () => process.exit(0));
