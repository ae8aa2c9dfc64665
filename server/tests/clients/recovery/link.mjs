// One connection through the proxy: the client's socket, the server's, and what a fault does to both.

/** How long the server's side of a half-open connection is left hanging. */
const HANGING_MS_MAX = 15_000;

export class Link {
  #clientGone = () => this.#ended(this.server);
  #serverGone = () => this.#ended(this.client);

  /** Ties the sockets together: when one ends, so does the other. `links` is the set of what is open. */
  constructor(links, client, server) {
    this.links = links.add(this);
    this.client = client;
    this.server = server;
    this.tied = true;
    client.on("close", this.#clientGone).on("error", ignore);
    server.on("close", this.#serverGone).on("error", ignore);
  }

  #ended(other) {
    if (this.tied) other.destroy();
    this.release();
  }

  /** Lets each side go its own way. */
  release() {
    this.tied = false;
    this.links.delete(this);
    this.client.off("close", this.#clientGone).off("error", ignore);
    this.server.off("close", this.#serverGone).off("error", ignore);
    // An error of a socket that is on its own must still not end the process.
    for (const side of [this.client, this.server]) if (side.listenerCount("error") === 0) side.on("error", ignore);
  }

  /** Both sides see a reset. */
  reset() {
    this.release();
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Both sides see an orderly end. */
  close() {
    this.release();
    this.client.destroySoon();
    this.server.destroySoon();
  }

  /** The client sees a reset; the server sees nothing, and nobody reads what it writes. */
  halfOpen() {
    this.release();
    this.client.resetAndDestroy();
    this.server.pause();
    setTimeout(() => this.server.destroy(), HANGING_MS_MAX).unref();
  }
}

/** A reset is an error to Node; here it is what is wanted. The `close` that follows is what counts. */
const ignore = () => {};
