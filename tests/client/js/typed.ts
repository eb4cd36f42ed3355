// An application of a user's own, as tsc looks at it: nothing here runs.
import { Centrifuge } from "centrifuge";
import { type Gap, type Handlers, PubSubClient } from "wspubsub";

const client = new PubSubClient(new Centrifuge("wss://example"), { connectBytes: 4096 });
const handlers: Handlers = {
  message({ data, offset, info }) {
    const user: string | undefined = info?.user;
    console.log(data, offset, user);
  },
  lost({ after, before }: Gap) {
    console.log(after.offset, before?.offset);
    // @ts-expect-error - where the history has gone, nothing is known
    console.log(before.offset);
  },
  error(thrown) {
    console.error(thrown);
  },
};
const room = client.subscribe("room:1", handlers, { since: { epoch: "a", offset: 3 } });
room.on("join", ({ info }) => console.log(info.client));
client.listen("user:alice", { message: () => {}, lost: () => {} });
const said: Promise<object> = client.publish("room:1", { text: "hello" });
const echoed: Promise<string> = client.rpc("echo", 1).then(({ data }) => data);
console.log(said, echoed);

// @ts-expect-error - an application must say what it does about a loss
client.subscribe("room:2", { message: () => {} });
// @ts-expect-error - a gap has no number of messages, since epochs have none in common
handlers.lost({ after: 3, before: 5 });
// @ts-expect-error - an option of which centrifuge knows nothing
client.subscribe("room:3", handlers, { sinse: { epoch: "a", offset: 3 } });
