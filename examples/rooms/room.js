// A room as one client knows it: what was said, in order, and who is here. No page.

class Room {
  // `onChange` is called with the room after each change.
  constructor(client, id, onChange) {
    this.id = id;
    this.state = "entering"; // or "here", or "left" with a reason
    this.reason = "";
    this.said = new Map();   // by offset, so that what comes twice is shown once
    this.people = new Map(); // by client, of which a user may have several
    this.unread = 0;
    this.changed = () => onChange(this);
    this.sub = client.newSubscription(`room:${id}`);
    this.sub.on("subscribing", () => this.turn("entering"));
    this.sub.on("unsubscribed", ({ reason }) => this.turn("left", reason));
    this.sub.on("subscribed", (ctx) => this.enter(ctx));
    this.sub.on("publication", (publication) => {
      this.unread += 1;
      this.take([publication]);
    });
    this.sub.on("join", ({ info }) => this.meet(info));
    this.sub.on("leave", ({ info }) => this.part(info));
    this.sub.subscribe();
  }

  async enter({ recovered, streamPosition }) {
    if (streamPosition.epoch !== this.epoch) this.said.clear(); // offsets of another log
    this.epoch = streamPosition.epoch;
    this.parted = new Set(); // who leaves while we ask who is here
    this.turn("here");
    const sub = this.sub;
    // What was missed comes by itself if it can; if not, read what the room still has.
    if (!recovered) {
      sub.history({ limit: -1 }).then(({ publications }) => this.take(publications), () => {});
    }
    const { clients } = await sub.presence().catch(() => ({ clients: null }));
    if (!clients || sub.state !== "subscribed") return; // it is asked again next time
    this.people = new Map(Object.entries(clients).filter(([id]) => !this.parted.has(id)));
    this.changed();
  }

  take(publications) {
    for (const each of publications) this.said.set(each.offset, each);
    this.changed();
  }

  meet(info) {
    this.parted.delete(info.client);
    this.people.set(info.client, info);
    this.changed();
  }

  part(info) {
    this.parted.add(info.client);
    this.people.delete(info.client);
    this.changed();
  }

  turn(state, reason = "") {
    Object.assign(this, { state, reason });
    this.changed();
  }

  say(text) {
    return this.sub.publish({ text, at: Date.now() });
  }

  get messages() {
    return [...this.said.values()].sort((one, other) => one.offset - other.offset);
  }
}
