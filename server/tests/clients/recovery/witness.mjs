// A stock client that checks each entry as it comes: the next one of its room, nothing missed, nothing doubled.
import { io } from "socket.io-client";
import { n } from "../chat/person.mjs";
import { pause } from "../wire/deadline.mjs";

export class Witness {
  constructor(name, url, auth, options = {}) {
    this.name = name;
    /** What was wrong; the run fails when anything is. */
    this.faults = [];
    /** room -> position of the last entry of the present stay. */
    this.at = new Map();
    /** room -> everything seen in the present stay. */
    this.seen = new Map();
    this.reconnects = 0;
    this.upgrades = 0;
    this.handled = 0;
    this.log = [];
    this.expectsRecovery = auth.recovery !== false;
    this.socket = io(url, {
      forceNew: true,
      auth: { name, ...auth },
      reconnectionDelay: 5,
      reconnectionDelayMax: 40,
      timeout: 5_000,
      ...options,
    });
    this.socket.on("connect", () => this.#connected());
    this.socket.on("disconnect", (reason) => this.#note("disconnect", reason));
    this.socket.on("connect_error", (error) => {
      this.#note("connect_error", error.message);
      if (!this.socket.active) this.#wrong(`refused: ${error.message}`);
    });
    this.socket.on("ready", (ready) => this.#ready(ready));
    this.socket.on("joined", (joined) => this.#joined(joined));
    this.socket.on("message", (entry) => this.#message(entry));
    this.socket.on("gap", (gap) => this.#wrong(`gap ${JSON.stringify(gap)}`));
    this.socket.on("void", (withdrawn) => this.#wrong(`void ${JSON.stringify(withdrawn)}`));
  }

  #note(...what) {
    this.log.push([Date.now() % 1_000_000, ...what].join(" "));
    if (this.log.length > 200) this.log.shift();
  }

  #wrong(what) {
    this.#note("WRONG", what);
    if (this.faults.length < 5) this.faults.push(`${what}\n      ${this.log.slice(-25).join("\n      ")}`);
  }

  #connected() {
    this.#note("connect", this.socket.io.engine.transport.name, `recovered ${this.socket.recovered}`);
    this.socket.io.engine.once("upgrade", () => {
      this.upgrades += 1;
      this.#note("upgraded");
    });
    if (this.handled === 0) return; // the first time there is nothing to recover
    this.reconnects += 1;
    if (this.expectsRecovery && !this.socket.recovered) this.#wrong("came back without being recovered");
  }

  #ready(ready) {
    this.#note("ready", `recovered ${ready.recovered}`);
    this.user = ready.user;
    if (ready.token) this.socket.auth = { ...this.socket.auth, token: ready.token };
    if (this.handled > 0 && ready.recovered !== this.socket.recovered && this.expectsRecovery) this.#wrong("ready and the library disagree");
    this.handled += 1;
    if (!ready.recovered) {
      // By docs/protocol.md the client joins again, with its cursors; where that is cut too, the next `ready` does it, from where it is then.
      const nth = this.handled;
      const stays = () => this.handled === nth;
      for (const [room, after] of this.at) this.ask("join", { room, after }, stays).catch((error) => this.#wrong(error.message));
      return;
    }
    // A join whose `joined` was lost in the cut counts all the same: the server says where the stay began.
    for (const { room, position } of ready.rooms) {
      if (!this.at.has(room)) {
        this.at.set(room, position);
        this.seen.set(room, []);
      }
    }
  }

  #joined({ room, from }) {
    this.#note("joined", room, from);
    const before = this.at.get(room);
    if (before !== undefined && before !== from) this.#wrong(`joined ${room} from ${from} while at ${before}`);
    if (before === undefined) this.seen.set(room, []);
    this.at.set(room, from);
  }

  #message(entry) {
    const { room, position } = entry;
    const at = this.at.get(room);
    if (at === undefined) this.#wrong(`${position} of ${room}, which is not joined`);
    else if (n(position) !== n(at) + 1) this.#wrong(`${position} of ${room} after ${at}`);
    else {
      this.at.set(room, position);
      this.seen.get(room).push(entry);
    }
  }

  /** Asks until it is answered, over as many connections as it takes, or until it is not wanted any more. */
  async ask(event, arg, wanted = () => true) {
    while (!this.ended) {
      if (!wanted()) return null;
      const answer = await this.socket.timeout(2_000).emitWithAck(event, arg).catch(() => null);
      if (answer?.ok) return answer;
      if (answer && !this.#again(answer.error.code)) throw new Refused(event, arg, answer.error);
      await pause(answer?.error.retry_after_ms ?? 20);
    }
    throw new Refused(event, arg, { code: "over", message: "the run has ended" });
  }

  /** Whether an error may pass: a client without recovery is in no room until it has joined again. */
  #again(code) {
    return ["rate_limited", "unavailable", "unknown_outcome"].includes(code) || (code === "forbidden" && !this.expectsRecovery);
  }

  join(room) {
    return this.ask("join", { room });
  }

  /** Leaves; from the answer on nothing of the room may come. */
  async leave(room) {
    // Asked again because the answer was lost, the server may say that one is not a member: so it is done.
    await this.ask("leave", { room }).catch((error) => {
      if (error.code !== "not_found") throw error;
    });
    this.at.delete(room);
    this.seen.delete(room);
  }

  end() {
    this.ended = true;
    this.socket.disconnect();
  }
}

class Refused extends Error {
  constructor(event, arg, { code, message }) {
    super(`${event} ${JSON.stringify(arg)}: ${code}, ${message}`);
    this.code = code;
  }
}
