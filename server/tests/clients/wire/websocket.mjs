// A WebSocket whose messages are taken one by one, so that tests can say exactly what comes next.
import WebSocket from "ws";
import { within } from "./deadline.mjs";

const asWebSocket = (base) => base.replace(/^http/, "ws");

/** Messages wait in arrival order until a test asks; with `heartbeat`, pings are answered and left out. */
export class Wire {
  static #open = new Set();

  /** Ends all that a test left open, so that a failed test does not keep its process alive. */
  static endAll() {
    for (const wire of Wire.#open) wire.end();
  }

  /** The address of a session over WebSocket, new or (with `sid`) to be upgraded. */
  static url(base, path, sid) {
    return `${asWebSocket(base)}${path}?EIO=4&transport=websocket${sid ? `&sid=${encodeURIComponent(sid)}` : ""}`;
  }

  constructor(url, { heartbeat = false, ...options } = {}) {
    this.arrived = [];
    this.asked = [];
    this.socket = new WebSocket(url, options);
    Wire.#open.add(this);
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.opened.catch(() => {}); // whoever cares awaits `opened` or `closed`
    this.ended = new Promise((resolve) => this.socket.on("close", (code) => resolve(code)));
    this.ended.then(() => Wire.#open.delete(this));
    this.socket.on("message", (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      if (heartbeat && message === "2") {
        this.socket.send("3");
        return;
      }
      const taker = this.asked.shift();
      if (taker) taker(message);
      else this.arrived.push(message);
    });
  }

  /** Opens a session and reads its open packet. */
  static async open(base, path, options) {
    const wire = new Wire(Wire.url(base, path), options);
    await within(wire.opened, "the WebSocket to open");
    wire.handshake = JSON.parse((await wire.next()).slice(1));
    return wire;
  }

  send(...messages) {
    for (const message of messages) this.socket.send(message);
  }

  /** Sends messages so that they leave in one TCP segment. */
  together(...messages) {
    const stream = this.socket._socket; // `ws` has no public way to the stream below it
    stream.cork();
    this.send(...messages);
    stream.uncork();
  }

  /** The next message: a string, or a Buffer for a binary one. */
  next() {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift());
    const message = new Promise((resolve) => this.asked.push(resolve));
    const gone = this.ended.then((code) => Promise.reject(new Error(`closed with ${code} while a message was awaited`)));
    return within(Promise.race([message, gone]), "a message");
  }

  async take(count) {
    const messages = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  /** Waits for the server to end it; the close code, or 1006 where the connection was refused or dropped. */
  closed(ms) {
    return within(this.ended, "the server to close", ms);
  }

  end() {
    this.socket.terminate();
  }
}
