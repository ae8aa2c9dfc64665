// A proxy that breaks what goes through it, the way networks, balancers and browsers do. One client has one proxy.
import { createServer, request as httpRequest } from "node:http";
import { once } from "node:events";
import { connect } from "node:net";
import { pause } from "../wire/deadline.mjs";
import { Link } from "./link.mjs";

/** Where an upgrade can be cut: what the client had sent by then, and whether the server still got it. */
export const UPGRADE_STAGES = ["answered", "probe lost", "probe sent", "upgrade lost", "upgrade sent"];

export class Proxy {
  /** Starts one in front of `target`, a URL. */
  static async start(target) {
    const proxy = new Proxy(new URL(target));
    proxy.http.listen(0, "127.0.0.1");
    await once(proxy.http, "listening");
    proxy.url = `http://127.0.0.1:${proxy.http.address().port}`;
    return proxy;
  }

  constructor(target) {
    this.target = target;
    this.links = new Set();
    this.upstreams = new Set();
    /** How often each fault took effect; a test that injects nothing shows nothing. */
    this.faults = {};
    this.losing = false;
    this.repeating = { GET: false, POST: false };
    this.cutting = null;
    this.stalledUntil = 0;
    this.http = createServer((request, response) => this.#plain(request, response));
    this.http.on("upgrade", (request, client, head) => this.#tunnel(request, client, head));
  }

  #count(fault) {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  /** Does `fault` (`reset`, `close`, `halfOpen`) to all that is open; false where nothing is. */
  break(fault) {
    const links = [...this.links];
    for (const link of links) link[fault]();
    if (links.length > 0) this.#count(fault);
    return links.length > 0;
  }

  /** Nothing reaches the client for so long; then all of it does. */
  stall(ms) {
    this.stalledUntil = Date.now() + ms;
    for (const { server } of this.links) server.pause();
    setTimeout(() => {
      for (const { server } of this.links) server.resume();
    }, ms).unref();
    this.#count("stall");
  }

  /** The next polling response is read from the server and never reaches the client. */
  loseNextResponse() {
    this.losing = true;
  }

  /** The next request of this method goes to the server twice, with the same `t`; the client gets the second answer. */
  repeatNext(method) {
    this.repeating[method] = true;
  }

  /** The next upgrade is cut at this stage by this fault. */
  cutNextUpgrade(stage, fault) {
    this.cutting = { stage, fault };
  }

  /** Ends everything, at once. */
  stop() {
    for (const upstream of this.upstreams) upstream.destroy();
    this.http.closeAllConnections();
    this.http.close();
  }

  #own(upstream) {
    this.upstreams.add(upstream);
    upstream.on("close", () => this.upstreams.delete(upstream));
  }

  async #plain(request, response) {
    const client = request.socket;
    try {
      const body = Buffer.concat(await request.toArray());
      const ofSession = request.url.includes("sid=");
      let answer = await this.#ask(request, body, client);
      if (ofSession && this.repeating[request.method]) {
        this.repeating[request.method] = false;
        this.#count(`repeated ${request.method}`);
        answer = await this.#ask(request, body, client);
      }
      if (ofSession && request.method === "GET" && this.losing) {
        this.losing = false;
        this.#count("lost response");
        client.resetAndDestroy();
        return;
      }
      if (this.stalledUntil > Date.now()) await pause(this.stalledUntil - Date.now());
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      client.destroy(); // one side went while the other waited
    }
  }

  /** One request to the server, on a connection of its own. */
  #ask(request, body, client) {
    return new Promise((resolve, reject) => {
      const { hostname: host, port } = this.target;
      const asked = httpRequest({ host, port, agent: false, method: request.method, path: request.url, headers: { ...request.headers, connection: "close" } });
      let link;
      asked.on("error", reject);
      asked.on("socket", (server) => {
        this.#own(server);
        if (client.destroyed) server.destroy();
        else link = new Link(this.links, client, server);
      });
      asked.on("response", async (answer) => {
        try {
          const whole = Buffer.concat(await answer.toArray());
          link.release();
          const { connection: _connection, "transfer-encoding": _encoding, ...headers } = answer.headers;
          resolve({ status: answer.statusCode, headers, body: whole });
        } catch (error) {
          reject(error);
        }
      });
      asked.end(body);
    });
  }

  #tunnel(request, client, head) {
    const server = connect(Number(this.target.port), this.target.hostname);
    this.#own(server);
    const link = new Link(this.links, client, server);
    const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    server.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    server.write(head);

    const planned = request.url.includes("sid=") ? this.cutting : null;
    if (planned) this.cutting = null;
    const cutAt = (stage) => {
      if (planned?.stage !== stage || !link.tied) return;
      this.#count(`upgrade cut: ${stage}`);
      link[planned.fault]();
    };
    let said = 0;
    client.on("data", (chunk) => {
      const message = ["probe", "upgrade"][said++];
      cutAt(`${message} lost`);
      if (!link.tied) return;
      forward(chunk, client, server);
      if (message) setTimeout(() => cutAt(`${message} sent`), 1);
    });
    server.once("data", () => setImmediate(() => cutAt("answered")));
    server.on("data", (chunk) => {
      if (link.tied) forward(chunk, server, client);
    });
    client.on("end", () => link.tied && link.close());
    server.on("end", () => link.tied && link.close());
  }
}

/** Writes on, and reads no faster than the other side takes. */
function forward(chunk, from, to) {
  if (to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}
