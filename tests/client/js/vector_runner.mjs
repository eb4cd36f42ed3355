// Runs a vector (see vectors/README.md) through the module's public interface, with a
// double of `centrifuge` and a clock that it moves. For Node and for browsers.

const TOPIC = "room:1";
const nextTask = globalThis.setTimeout;
const settle = () => new Promise((resolve) => nextTask(resolve, 0));

class Emitter {
  listeners = {};
  on(event, listener) {
    (this.listeners[event] ??= []).push(listener);
    return this;
  }
  emit(event, ctx) {
    for (const listener of this.listeners[event] ?? []) listener(ctx);
  }
}

class FakeSubscription extends Emitter {
  state = "unsubscribed";
  constructor(channel) {
    super();
    this.channel = channel;
  }
  subscribe() {
    this.turn("subscribing");
  }
  unsubscribe() {
    this.turn("unsubscribed");
  }
  turn(state, ctx = {}) {
    this.state = state;
    this.emit(state, { channel: this.channel, ...ctx });
  }
  publish(offset, data) {
    if (this.state === "subscribed") this.emit("publication", { channel: this.channel, offset, data });
  }
}

class FakeCentrifuge extends Emitter {
  state = "disconnected";
  subs = {};
  requests = []; // for history; the last is the one that a vector answers
  checks = [];
  constructor(say) {
    super();
    this.say = say;
  }
  turn(state) {
    this.state = state;
    this.emit("state", { newState: state });
  }
  connect() {
    if (this.state === "disconnected") this.say({ reconnect: true });
    this.turn("connecting");
  }
  disconnect() {
    this.turn("disconnected");
  }
  newSubscription(channel) {
    return (this.subs[channel] = new FakeSubscription(channel));
  }
  subscriptions() {
    return this.subs;
  }
  startBatching() {}
  stopBatching() {}
  history(_topic, { limit, since }) {
    this.say(limit === 0 ? { check: true } : { history: since ? { since } : {} });
    return new Promise((resolve, reject) => {
      (limit === 0 ? this.checks : this.requests).push({ resolve, reject });
    });
  }
  async rpc() {
    this.say({ sent: "rpc" });
  }
  async publish() {
    this.say({ sent: "publish" });
  }
}

// A clock that stands still but where a vector moves it.
class Clock {
  now = 1e12;
  timers = new Map();
  install() {
    const before = [Date.now, globalThis.setInterval, globalThis.clearInterval];
    Date.now = () => this.now;
    globalThis.setInterval = (run) => this.timers.set(run, run) && run;
    globalThis.clearInterval = (run) => this.timers.delete(run);
    return () => ([Date.now, globalThis.setInterval, globalThis.clearInterval] = before);
  }
  // One step is a clock that jumps, a step a second one that goes.
  move(seconds, steps) {
    for (let step = 0; step < steps; step++) {
      this.now += (seconds / steps) * 1000;
      for (const run of this.timers.values()) run();
    }
  }
}

const numbersOf = ([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, index) => [first + index, first + index]);
const publicationsOf = ({ publications, range }) =>
  (range ? numbersOf(range) : publications).map(([offset, data]) => ({ offset, data }));
const dataOf = (bytes) => "x".repeat(bytes - 2);

class Story {
  outputs = [];
  time = new Clock();
  constructor(vector, PubSubClient) {
    this.vector = vector;
    const say = (output) => this.outputs.push(output);
    this.say = say;
    this.centrifuge = new FakeCentrifuge(say);
    this.centrifuge.state = "connected";
    this.PubSubClient = PubSubClient;
  }

  begin() {
    const { since, raises = [], resubscribes = [] } = this.vector;
    const remaining = new Set(resubscribes);
    this.client = new this.PubSubClient(this.centrifuge);
    this.sub = this.client.subscribe(
      TOPIC,
      {
        message: ({ data }) => {
          this.say({ hand: data });
          if (remaining.delete(data)) {
            this.sub.unsubscribe();
            this.sub.subscribe();
          }
          if (raises.includes(data)) throw data;
        },
        lost: (gap) => this.say({ lost: gap }),
        error: (error) => this.say({ raised: error }),
      },
      since ? { since } : {},
    );
  }

  async tell() {
    const restore = this.time.install();
    try {
      this.begin();
      for (const step of this.vector.steps) {
        if (step.expect) this.compare(step);
        else if (step.call) await this.call(step);
        else this[step.event](step);
        await settle();
      }
      this.compare({ expect: [] });
    } finally {
      restore();
    }
  }

  compare({ expect, handed = 0 }) {
    const hands = this.outputs.splice(0, handed).map(({ hand }) => hand);
    const isInOrder = hands.every((each, index) => each === hands[0] + index);
    const [seen, wanted] = [this.outputs.splice(0), expect].map((each) => JSON.stringify(each));
    if (hands.length !== handed || !isInOrder) throw new Error(`handed over ${hands}`);
    if (seen !== wanted) throw new Error(`expected ${wanted}, saw ${seen}`);
  }

  async call({ call, bytes }) {
    const data = dataOf(bytes);
    try {
      if (call === "subscribe") {
        this.client.subscribe(`room:${bytes}`, {}, { data });
        this.say({ sent: call });
      } else await this.client[call]("room:2", data);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.say({ refused: call });
    }
  }

  subscribed({ epoch, offset, was_recovering, recovered, publications, interrupted }) {
    if (this.centrifuge.state !== "connected") this.centrifuge.turn("connected");
    const known = epoch ? { streamPosition: { epoch, offset } } : {};
    this.sub.turn("subscribed", { wasRecovering: was_recovering, recovered, ...known });
    for (const [at, data] of publications) this.sub.publish(at, data);
    if (interrupted) this.unsubscribed();
  }
  unsubscribed() {
    this.sub.turn("subscribing");
  }
  publication({ offset, data }) {
    this.sub.publish(offset, data);
  }
  publications({ range }) {
    for (const [offset, data] of numbersOf(range)) this.sub.publish(offset, data);
  }
  history(page) {
    const { epoch, offset } = page;
    this.centrifuge.requests.at(-1).resolve({ epoch, offset, publications: publicationsOf(page) });
  }
  history_failed({ code, temporary }) {
    this.centrifuge.requests.at(-1).reject({ code: code || 1, temporary, message: "failed" });
  }
  position({ epoch, offset }) {
    this.centrifuge.checks.at(-1).resolve({ epoch, offset, publications: [] });
  }
  answered() {
    this.centrifuge.checks.at(-1).reject({ code: 108, message: "not available" });
  }
  unanswered() {
    this.centrifuge.checks.at(-1).reject({ code: 1, message: "timeout" });
  }
  disconnected() {
    this.sub.turn("subscribing");
    this.centrifuge.turn("connecting");
  }
  clock({ seconds, steps }) {
    this.time.move(seconds, steps);
  }
  retry() {
    this.time.move(20, 20);
  }
  minute() {
    this.time.move(60, 60);
  }
  check() {
    this.time.move(300, 1);
  }
}

/** Returns what is wrong with each vector, by its name: "" where nothing is. */
export async function runAll(vectors, PubSubClient) {
  const results = {};
  for (const vector of vectors) {
    const told = new Story(vector, PubSubClient).tell();
    results[vector.name] = await told.then(() => "", (error) => String(error.stack ?? error));
  }
  return results;
}
