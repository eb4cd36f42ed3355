// The gateway's API: each method is a POST with the session in a header.

const KEY = "wspubsub-session";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }

  /** Whether the session is over and a new link is needed. */
  get isSignedOut() {
    return this.status === 401;
  }

  /** Whether nobody answered. */
  get isLost() {
    return this.status === 0;
  }
}

export class Api {
  #session = sessionStorage.getItem(KEY);

  get hasSession() {
    return this.#session !== null;
  }

  /** Sign in with the token of the address, if it has one, and take it out of there. */
  async signIn() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token === null) return;
    history.replaceState(null, "", location.pathname + location.search);
    this.signOut();
    const { session } = await this.call("login", { token });
    this.#session = session;
    sessionStorage.setItem(KEY, session);
  }

  signOut() {
    this.#session = null;
    sessionStorage.removeItem(KEY);
  }

  /** Call a method and return its answer; raises an ApiError with what is wrong. */
  async call(method, parameters = {}, { signal } = {}) {
    const headers = { "Content-Type": "application/json" };
    if (this.#session !== null) headers.Authorization = `Bearer ${this.#session}`;
    let response;
    try {
      response = await fetch(`/.inspector/api/${method}`, {
        method: "POST", headers, body: JSON.stringify(parameters), signal,
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("The gateway cannot be reached. Is wspubsub dev running?", 0);
    }
    const answer = await response.json().catch(() => null);
    if (!response.ok) {
      const text = answer?.error ?? `${method} was answered with ${response.status}`;
      throw new ApiError(text, response.status);
    }
    return answer;
  }
}

/**
 * Follow the gateway's entries until the session is over.
 *
 * `heard` gets entries and how many were dropped, `lost` is called when the gateway
 * stops answering, `back` when it answers again.
 */
export async function follow(api, { heard, lost, back }) {
  let after = 0;
  let isLost = false;
  for (;;) {
    try {
      // The first answer after a loss must come at once, so that the page knows.
      const wait = isLost ? 0 : 25;
      const { entries, dropped } = await api.call("follow", { after, wait });
      if (isLost) back();
      isLost = false;
      if (entries.length) after = entries.at(-1).n;
      // Without entries the same ones would be counted each time.
      heard(entries, entries.length ? dropped : 0);
    } catch (error) {
      if (error.isSignedOut) throw error;
      if (!isLost) lost(error);
      isLost = true;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
