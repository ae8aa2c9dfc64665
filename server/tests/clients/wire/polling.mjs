// A polling session spelled out request by request, so that tests can do what no stock client would.
import assert from "node:assert/strict";
import { within } from "./deadline.mjs";

/** Between the packets of one payload (Engine.IO 4). */
export const SEPARATOR = "\x1e";

/** One HTTP request that must be answered before the deadline: `{status, headers, text}`. */
export async function request(url, options = {}) {
  const response = await within(fetch(url, options), `an answer to ${options.method ?? "GET"} ${url}`);
  return { status: response.status, headers: response.headers, text: await within(response.text(), `the body of ${url}`) };
}

/** A session opened by a handshake; `path` chooses the echo or Socket.IO. */
export class PollingSession {
  static async open(base, path) {
    const response = await request(`${base}${path}?EIO=4&transport=polling`);
    assert.equal(response.status, 200, response.text);
    assert.equal(response.text[0], "0", "the first packet opens the session");
    return new PollingSession(base, path, JSON.parse(response.text.slice(1)), response);
  }

  constructor(base, path, handshake, response) {
    this.base = base;
    this.path = path;
    this.handshake = handshake;
    this.response = response;
    this.sid = handshake.sid;
  }

  url(query = "") {
    return `${this.base}${this.path}?EIO=4&transport=polling&sid=${encodeURIComponent(this.sid)}${query}`;
  }

  get(options) {
    return request(this.url(), options);
  }

  post(body, options) {
    return request(this.url(), { method: "POST", body, ...options });
  }

  /** Posts packets that must be taken. */
  async send(...packets) {
    const { status, text } = await this.post(packets.join(SEPARATOR));
    assert.deepEqual([status, text], [200, "ok"]);
  }

  /** Polls until `count` packets have come, answering pings and leaving them out. */
  async receive(count) {
    const packets = [];
    while (packets.length < count) {
      const { status, text } = await this.get();
      assert.equal(status, 200, `after ${JSON.stringify(packets)}: ${text}`);
      for (const packet of text.split(SEPARATOR)) {
        if (packet === "2") await this.send("3");
        else packets.push(packet);
      }
    }
    return packets;
  }
}
