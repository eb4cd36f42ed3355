// A room as one client knows it: what was said, in order, and who is here. No page.

class Room {
  // `onChange` is called with the room after each change.
  constructor(client, id, onChange) {
    this.id = id;
    this.state = "entering"; // or "here", or "left" with a reason
    this.reason = "";
    this.said = new Map();   // by offset: messages, and gaps where some are lost
    this.people = new Map(); // by client, of which a user may have several
    this.unread = 0;
    this.changed = () => onChange(this);
    this.sub = client.subscribe(`room:${id}`, {
      message: (publication) => {
        this.unread += 1;
        this.take([publication]);
      },
      lost: (gap) => this.miss(gap),
    });
    this.sub.on("subscribing", () => this.turn("entering"));
    this.sub.on("unsubscribed", ({ reason }) => this.turn("left", reason));
    this.sub.on("subscribed", () => this.enter());
    this.sub.on("join", ({ info }) => this.note(info.client, info));
    this.sub.on("leave", ({ info }) => this.note(info.client, null));
  }

  async enter() {
    const heard = (this.heard = new Map()); // who comes and goes while we ask who is here
    this.turn("here");
    const sub = this.sub;
    if (!this.hasRead) this.read();
    const { clients } = await sub.presence().catch(() => ({ clients: null }));
    const isStale = heard !== this.heard || sub.state !== "subscribed";
    if (!clients || isStale) return; // it is asked again next time
    this.people = new Map(Object.entries(clients));
    for (const [id, info] of heard) this.note(id, info);
    this.changed();
  }

  // What was said before we came; what is said from now on comes by itself.
  async read() {
    const page = await this.sub.history({ limit: -1 }).catch(() => null);
    this.hasRead = page !== null; // if not, it is read next time
    if (page) this.take(page.publications);
  }

  miss({ after, before }) {
    if (after.epoch === before?.epoch) {
      this.said.set(before.offset - 0.5, { offset: before.offset - 0.5, isGap: true });
      this.changed();
    } else {
      this.said.clear(); // offsets of another log
      this.read();
    }
  }

  take(publications) {
    for (const each of publications) this.said.set(each.offset, each);
    this.changed();
  }

  // Takes who has come, or that a client has gone.
  note(id, info) {
    this.heard.set(id, info);
    if (info) this.people.set(id, info);
    else this.people.delete(id);
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
