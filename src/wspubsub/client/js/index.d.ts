import type {
  Centrifuge,
  PublicationContext,
  PublishResult,
  RpcResult,
  StreamPosition,
  Subscription,
  SubscriptionOptions,
} from "centrifuge";

/** What may be missing: whatever lies between, and neither end. */
export interface Gap {
  /** The last message that was handed over before. */
  after: StreamPosition;
  /** The next one that is going to be; null where the topic has no history any more. */
  before: StreamPosition | null;
}

export interface Handlers {
  /**
   * Gets each message of a topic with history exactly once and in order, and each of a
   * topic without history as it comes. It is called, not awaited. A message whose handler
   * throws counts as handed over.
   */
  message(publication: PublicationContext): void;
  /** Is told what will not come, before what follows it. Load the state again. */
  lost(gap: Gap): void;
  /** Gets what another handler has thrown; without it, the console does. */
  error?(thrown: unknown): void;
}

export interface ClientOptions {
  /**
   * How many bytes the `connect` command may take when the client reconnects: the token,
   * the data, and 75 bytes and the name for each topic that the server subscribes it to.
   * Default: 2,048.
   */
  connectBytes?: number;
}

/**
 * A layer over a `centrifuge` client of a PubSub: each handler gets each message exactly
 * once and in order, or is told that it does not.
 *
 * While the client is connected, it asks for the positions of all topics every five
 * minutes and when the clock has jumped, in one message. Where that is not answered
 * twice, it disconnects and connects again.
 */
export class PubSubClient {
  /** Make it before the client connects. */
  constructor(centrifuge: Centrifuge, options?: ClientOptions);

  /**
   * Subscribe to a topic, with the options of `centrifuge`, and return its subscription:
   * for `unsubscribe`, `subscribe` again, presence, and its other events. `since` and
   * `getState` say where to begin.
   *
   * @throws RangeError What the client would send on reconnecting, with all topics that
   *   it is subscribed to, would be more than the 32 KB that API Gateway accepts.
   * @throws Error The client has a subscription to the topic already.
   */
  subscribe(
    topic: string,
    handlers: Handlers,
    options?: Partial<SubscriptionOptions>,
  ): Subscription;

  /** Follow a topic that the server subscribes this client to; before it connects. */
  listen(topic: string, handlers: Handlers): void;

  /**
   * Publish to a topic.
   *
   * @throws RangeError (as a rejection) It would be more than the 32 KB of a frame.
   */
  publish(topic: string, data: unknown): Promise<PublishResult>;

  /**
   * Call a method of the server.
   *
   * @throws RangeError (as a rejection) It would be more than the 32 KB of a frame.
   */
  rpc(method: string, data: unknown): Promise<RpcResult>;
}
