// Exactly once and in order, or told: a layer over a `centrifuge` client of a PubSub.
//
// What this file knows and nobody else does: offsets of a topic with history have no
// gaps, so whatever an SDK repeats, mixes up or leaves out shows in its offset. What is
// missing comes from the history; what the history does not have, the application is
// told. The SDK's own offset is whatever came last, so nothing here relies on it.

const MAX_FRAME_BYTES = 32_768; // API Gateway ends a connection that sends more: 1009
const MAX_WAITING = 300; // publications behind a hole; the history brings the others
const TICK_MS = 1_000;
const CHECK_MS = 300_000;
const AGAIN_MS = 60_000; // after a duplicate, which may belong to a new epoch
const JUMP_MS = 90_000; // browsers run the timers of a hidden page once a minute
const SUBSCRIBE_BYTES = 130; // the command, without the topic, a token and data
const UNKNOWN_BYTES = 1_024; // for a token or data that a function returns later

const bytesOf = (value) => new TextEncoder().encode(JSON.stringify(value)).length;

const refuseOver = (bytes, what) => {
  if (bytes > MAX_FRAME_BYTES) {
    throw new RangeError(`${what} takes ${bytes} bytes, over the ${MAX_FRAME_BYTES} of a frame`);
  }
};

// One subscription: where it stands, what waits behind a hole, what was asked for.
class Sequence {
  checkedAt; // when the server was last asked for the topic's position
  isDoubtful; // whether a duplicate has come since
  #centrifuge;
  #live;
  #topic;
  #handlers;
  #isCache; // the topic's mode: only the newest message matters
  #waiting = new Map(); // publications behind a hole, by offset
  #newest; // offset that the topic is known to have reached
  #covered; // offset up to which the history was read: what is missing there is lost
  #reply; // publications of the reply to a subscribe, while they come
  #request; // what was asked of the history, until its answer
  #retryAt;
  #retries;
  #behind; // how many pages in a row knew less than what has come

  // `live` has the sequences whose subscription stands, `at` is the position of the
  // last message handed over, if there is one.
  constructor(centrifuge, live, topic, handlers, on, at) {
    this.#centrifuge = centrifuge;
    this.#live = live;
    this.#topic = topic;
    this.#handlers = handlers;
    this.at = at;
    on("subscribed", (ctx) => this.#start(ctx));
    on("publication", (publication) => this.#take(publication));
    on("subscribing", () => this.#stop());
    on("unsubscribed", () => this.#stop());
    this.#stop();
  }

  #stop() {
    this.#live.delete(this);
    this.#waiting.clear();
    this.#reply = this.#request = this.isDoubtful = undefined;
    this.#newest = this.#covered = this.#retryAt = this.#retries = this.#behind = 0;
  }

  // The publications of the reply come behind the event, in the same task.
  #start({ streamPosition, wasRecovering }) {
    const reply = (this.#reply = []);
    queueMicrotask(() => {
      if (this.#reply !== reply) return;
      this.#reply = undefined;
      this.#live.add(this);
      this.checkedAt = Date.now();
      if (!streamPosition) {
        if (this.at) this.#call("lost", { after: this.at, before: null });
        this.at = undefined;
        reply.forEach((each) => this.#take(each));
        return;
      }
      if (!this.at) {
        const { epoch, offset } = streamPosition;
        this.#isCache = wasRecovering; // though nobody has asked for it
        this.at = { epoch, offset: Math.min(offset, ...reply.map((each) => each.offset - 1)) };
      }
      this.#learn(streamPosition, reply);
    });
  }

  #take(publication) {
    const { offset } = publication;
    if (this.#reply) this.#reply.push(publication);
    else if (!offset || !this.at) this.#call("message", publication);
    else if (offset <= this.at.offset) this.isDoubtful = true;
    else {
      this.#waiting.set(offset, publication);
      this.#newest = Math.max(this.#newest, offset);
      if (this.#isCache) this.#covered = offset;
      if (this.#waiting.size > MAX_WAITING) this.#waiting.delete(Math.max(...this.#waiting.keys()));
      this.#handOver();
    }
  }

  // The server has said where the topic stands, and which publications it has.
  #learn({ epoch, offset }, publications, isPage) {
    const isOther = epoch !== this.at.epoch;
    const hadWaiting = isOther && this.#waiting.size;
    if (isOther) {
      this.#waiting.clear(); // nobody knows of which epoch they are
      this.#newest = this.#covered = 0;
      this.#request = undefined;
    }
    for (const each of publications) {
      if (isOther || each.offset > this.at.offset) this.#waiting.set(each.offset, each);
    }
    // In mode cache the newest message itself is still to come, if there is one.
    if (isOther) this.#lose(Math.min(offset + !this.#isCache || 1, ...this.#waiting.keys()), epoch);
    this.#newest = Math.max(this.#newest, offset);
    if (isPage || (this.#isCache && publications.length)) {
      const last = publications.at(-1)?.offset;
      this.#covered = last > this.at.offset ? last : offset;
    }
    this.#handOver();
    if (hadWaiting) this.#ask();
  }

  // A handler may end the subscription, and nothing waits any more.
  #handOver() {
    for (;;) {
      const next = Math.min(...this.#waiting.keys());
      if (next === this.at.offset + 1) {
        const publication = this.#waiting.get(next);
        this.#waiting.delete(next);
        this.at = { epoch: this.at.epoch, offset: next };
        this.#call("message", publication);
      } else if (this.#covered > this.at.offset) {
        this.#lose(Math.min(next, this.#covered + 1));
      } else break;
    }
    if (this.#newest > this.at.offset) this.#ask();
  }

  #lose(offset, epoch = this.at.epoch) {
    const after = this.at;
    this.at = { epoch, offset: offset - 1 };
    if (!this.#isCache) this.#call("lost", { after, before: { epoch, offset } });
  }

  // For what is missing; where that is not kept any more, for all that is.
  #ask(since = this.at) {
    if (this.#request || this.#retryAt) return;
    const request = (this.#request = {});
    const isOurs = () => this.#request === request && !(this.#request = undefined);
    this.#centrifuge.history(this.#topic, { limit: -1, ...(since && { since }) }).then(
      (page) => isOurs() && this.#fill(page),
      ({ code, temporary }) => {
        if (!isOurs()) return;
        if (code === 112 && since) this.#ask(null);
        else if (code <= 100 || code === 111 || temporary) this.#retry();
        else this.#giveUp();
      },
    );
  }

  #fill(page) {
    const { epoch, offset } = this.at;
    const isBehind = this.#newest > offset && page.epoch === epoch && page.offset <= offset;
    this.#behind = isBehind ? this.#behind + 1 : 0;
    if (this.#behind > 2) this.#giveUp();
    else if (isBehind) this.#retry();
    else {
      this.#retries = 0;
      this.#learn(page, page.publications, true);
    }
  }

  #retry() {
    const longest = TICK_MS * 2 ** Math.min(this.#retries++, 4);
    this.#retryAt = Date.now() + longest * (1 - Math.random() / 2);
  }

  #giveUp() {
    this.#behind = 0;
    this.#covered = this.#newest;
    this.#handOver();
  }

  #call(name, argument) {
    try {
      this.#handlers[name](argument);
    } catch (error) {
      // Should reporting it fail as well, that is an unhandled rejection.
      new Promise(() => (this.#handlers.error ?? console.error)(error));
    }
  }

  tick(now) {
    if (this.#retryAt && now >= this.#retryAt) {
      this.#retryAt = 0;
      this.#handOver();
    }
  }

  check() {
    this.checkedAt = Date.now();
    this.isDoubtful = false;
    return this.#centrifuge.history(this.#topic, { limit: 0 }).then((position) => {
      if (this.#live.has(this)) this.#learn(position, []);
    });
  }
}

export class PubSubClient {
  #centrifuge;
  #connectBytes;
  #bytes = new Map(); // that each topic's subscribe takes
  #live = new Set();
  #timer;
  #tickedAt;
  #checkedAt;
  #unanswered;

  constructor(centrifuge, { connectBytes = 2_048 } = {}) {
    this.#centrifuge = centrifuge;
    this.#connectBytes = connectBytes;
    centrifuge.on("state", () => this.#watch());
    this.#watch();
  }

  subscribe(topic, handlers, options = {}) {
    const { since, token, data, getToken, getData, getState } = options;
    const bytes =
      SUBSCRIBE_BYTES + bytesOf([topic, token, data]) + UNKNOWN_BYTES * (!!getToken + !!getData);
    let sum = this.#connectBytes + bytes;
    for (const { channel, state } of Object.values(this.#centrifuge.subscriptions())) {
      if (state !== "unsubscribed") {
        sum += this.#bytes.get(channel) ?? SUBSCRIBE_BYTES + bytesOf(channel);
      }
    }
    refuseOver(sum, `reconnecting with ${topic}`);
    this.#bytes.set(topic, bytes);
    const subscription = this.#centrifuge.newSubscription(topic, {
      ...options,
      // The SDK then begins at the state's position, and so do we.
      ...(getState && { getState: async () => (sequence.at = await getState()) }),
    });
    const on = (event, listener) => subscription.on(event, listener);
    const sequence = this.#follow(topic, handlers, on, since);
    subscription.subscribe();
    return subscription;
  }

  listen(topic, handlers) {
    this.#follow(topic, handlers, (event, listener) => {
      this.#centrifuge.on(event, (ctx) => ctx.channel === topic && listener(ctx));
    });
  }

  async publish(topic, data) {
    refuseOver(bytesOf({ id: 1e9, publish: { channel: topic, data } }), `publishing to ${topic}`);
    return this.#centrifuge.publish(topic, data);
  }

  async rpc(method, data) {
    refuseOver(bytesOf({ id: 1e9, rpc: { method, data } }), `calling ${method}`);
    return this.#centrifuge.rpc(method, data);
  }

  #follow(topic, handlers, on, since) {
    return new Sequence(this.#centrifuge, this.#live, topic, handlers, on, since);
  }

  #watch() {
    clearInterval(this.#timer);
    this.#unanswered = 0;
    this.#tickedAt = this.#checkedAt = Date.now();
    if (this.#centrifuge.state === "connected") {
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
    }
  }

  #tick() {
    const now = Date.now();
    const hasJumped = Math.abs(now - this.#tickedAt) > JUMP_MS;
    this.#tickedAt = now;
    for (const each of this.#live) each.tick(now);
    const known = [...this.#live].filter((each) => each.at);
    const doubtful = known.filter((each) => each.isDoubtful && now - each.checkedAt >= AGAIN_MS);
    if (hasJumped || now - this.#checkedAt >= CHECK_MS) {
      this.#checkedAt = now;
      this.#check(known);
    } else if (doubtful.length) this.#check(doubtful);
  }

  // All in one message. It is the sign of life as well: an error is an answer.
  async #check(sequences) {
    this.#centrifuge.startBatching();
    const asked = sequences.length
      ? sequences.map((each) => each.check())
      : [this.#centrifuge.rpc("wspubsub.ping")];
    this.#centrifuge.stopBatching();
    const answers = asked.map((each) => each.then(() => true, ({ code }) => code >= 100));
    if ((await Promise.all(answers)).includes(true)) this.#unanswered = 0;
    else if (this.#centrifuge.state !== "connected") return;
    else if (!this.#unanswered++) this.#check(sequences);
    else {
      this.#centrifuge.disconnect();
      this.#centrifuge.connect();
    }
  }
}
