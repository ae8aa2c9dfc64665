// A stock client that talks, keeps its rooms over all breaks, and writes down what it did and saw.
import { io } from "socket.io-client";

/** Without an answer for so long a request is made again; sends under the same id. */
const ANSWER_MS_MAX = 5_000;
const REFUSED_PAUSE_MS = 300;
/** Pause before an application tries again after the server refused it outright. */
const TURNED_AWAY_PAUSE_MS = 500;
/** Texts for a room that wait for an acknowledgement before no more are written. */
const UNSENT_MAX = 8;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Chatter {
  constructor({ name, url, transports, rooms, recorder }) {
    this.name = name;
    this.recorder = recorder;
    /** room -> {in, asking, last, outbox} */
    this.rooms = new Map(rooms.map((room) => [room, { in: false, asking: false, last: null, outbox: [] }]));
    this.sent = 0;
    this.ready = false;
    this.over = false;
    this.hadSession = false;
    this.socket = io(url, {
      forceNew: true,
      transports,
      auth: { name },
      reconnectionDelay: 50,
      reconnectionDelayMax: 1_000,
      timeout: 5_000,
    });
    this.socket.on("disconnect", (reason) => this.#disconnected(reason));
    this.socket.on("connect_error", (error) => this.#turnedAway(error));
    this.socket.on("ready", (ready) => this.#ready(ready));
    this.socket.on("joined", ({ room, from }) => this.#joined(room, from));
    this.socket.on("message", ({ room, position, id }) => this.#see(room, position, "entry", { position, id }));
    this.socket.on("gap", ({ room, from, to, reason }) => this.#see(room, to, "gap", { from, to, reset: reason === "reset" }));
    this.socket.on("void", ({ room, after }) => this.#see(room, after, "void", { after }));
    for (const [room, stay] of this.rooms) this.#deliver(room, stay);
  }

  #disconnected(reason) {
    this.ready = false;
    this.recorder.record("disconnected", { how: reason });
  }

  /** The library stays away after this; an application would not. */
  #turnedAway(error) {
    if (this.socket.active || this.over) return;
    this.recorder.record("refused", { code: error.data?.code ?? "connect_error" });
    setTimeout(() => this.over || this.socket.connect(), TURNED_AWAY_PAUSE_MS);
  }

  #ready(ready) {
    this.recorder.record("connected", { recovered: ready.recovered, presented: this.hadSession });
    this.hadSession = true;
    this.ready = true;
    if (ready.token) this.socket.auth = { ...this.socket.auth, token: ready.token };
    const listed = new Map(ready.rooms.map(({ room, position }) => [room, position]));
    for (const [room, stay] of this.rooms) {
      if (!listed.has(room)) stay.in = false;
      // The `joined` was lost in the cut: the server says where the stay began.
      else if (!stay.in) this.#joined(room, listed.get(room));
      this.#join(room, stay);
    }
  }

  #joined(room, from) {
    const stay = this.rooms.get(room);
    stay.in = true;
    stay.last = from;
    this.recorder.record("joined", { room, from });
  }

  #see(room, position, what, fields) {
    this.rooms.get(room).last = position;
    this.recorder.record(what, { room, ...fields });
  }

  /** Asks until the stay has begun, on this connection or a later one. */
  async #join(room, stay) {
    if (stay.asking) return;
    stay.asking = true;
    while (!stay.in && !this.over) {
      if (!this.ready) {
        await pause(50);
        continue;
      }
      this.recorder.record("join", { room, after: stay.last });
      await this.#ask("join", stay.last ? { room, after: stay.last } : { room });
    }
    stay.asking = false;
  }

  /** One request; its answer where it was granted. */
  async #ask(event, arg) {
    const answer = await this.socket.timeout(ANSWER_MS_MAX).emitWithAck(event, arg).catch(() => null);
    if (answer === null || answer.ok) return answer;
    this.recorder.record("refused", { code: answer.error.code });
    await pause(answer.error.retry_after_ms ?? REFUSED_PAUSE_MS);
    return null;
  }

  /** Writes a text for one of its rooms. */
  compose(room) {
    const { outbox } = this.rooms.get(room);
    if (outbox.length >= UNSENT_MAX) return;
    this.sent += 1;
    const id = `${this.name}-${this.sent}`;
    outbox.push(id);
    this.recorder.record("sent", { room, id });
  }

  /** Sends one text after the other to a room, each until it is acknowledged. Rooms do not wait for each other. */
  async #deliver(room, stay) {
    while (!this.over) {
      const [id] = stay.outbox;
      if (!id || !stay.in) {
        await pause(10);
        continue;
      }
      const answer = await this.#ask("send", { room, id, text: `text of ${id}` });
      if (!answer) continue;
      stay.outbox.shift();
      const { position, replicated } = answer;
      this.recorder.record("acked", { room, id, position, durable: replicated !== false });
    }
  }

  status() {
    const rooms = Object.fromEntries([...this.rooms].map(([room, stay]) => [room, stay.in ? stay.last : null]));
    const unsent = [...this.rooms.values()].reduce((sum, { outbox }) => sum + outbox.length, 0);
    return { ready: this.ready, unsent, rooms };
  }

  async end() {
    this.over = true;
    this.recorder.record("end");
    this.socket.off().disconnect();
    await this.recorder.end();
  }
}
