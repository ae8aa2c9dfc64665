// Somebody who chats: a stock client that keeps all it is told.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { io } from "socket.io-client";
import { until, within } from "../wire/deadline.mjs";

/** Events of the server, by docs/protocol.md; those in DURABLE end in an offset. */
export const DURABLE = ["ready", "joined", "message", "gap", "void", "room"];
export const VOLATILE = ["typing", "presence", "receipt"];
const ACK_MS_MAX = 10_000;

/** A name that no other test uses. */
export const unique = (prefix) => `${prefix}-${randomBytes(6).toString("hex")}`;

export class Person {
  static #all = new Set();

  /** Disconnects everybody; for `afterEach`. */
  static everybodyLeaves() {
    for (const person of Person.#all) person.socket.disconnect();
    Person.#all.clear();
  }

  /** Connects and waits for `ready`. */
  static async connect(url, auth = { name: "Somebody" }, options = {}) {
    const person = new Person(url, auth, options);
    await person.ready();
    return person;
  }

  constructor(url, auth, options = {}) {
    this.socket = io(url, { forceNew: true, transports: ["websocket"], reconnectionDelay: 20, reconnectionDelayMax: 50, auth, ...options });
    /** Every event in arrival order: `{event, args, offset}`; `offset` is the string after the one object. */
    this.told = [];
    this.errors = [];
    this.socket.onAny((event, ...args) => {
      const offset = typeof args.at(-1) === "string" ? args.pop() : undefined;
      this.told.push({ event, args, offset });
    });
    this.socket.on("connect_error", (error) => this.errors.push(error));
    Person.#all.add(this);
  }

  get user() {
    return this.all("ready").at(-1).user;
  }

  get limits() {
    return this.all("ready").at(-1).limits;
  }

  /** The objects of all events of this name, of one room where one is named. */
  all(event, room) {
    return this.told.filter((one) => one.event === event).map((one) => one.args[0]).filter((one) => room === undefined || one.room === room);
  }

  texts(room) {
    return this.all("message", room).map((entry) => entry.text);
  }

  async ready() {
    await until(() => {
      if (this.errors.length > 0) throw new Error(`not let in: ${this.errors[0].message}`);
      return this.all("ready").length > 0;
    }, "ready");
    return this.all("ready").at(-1);
  }

  /** Waits for the refusal of the connection and returns its code; being let in is a failure. */
  async refusal() {
    const error = await until(() => {
      assert.equal(this.all("ready").length, 0, "was let in");
      return this.errors[0];
    }, "a connect error");
    assert.equal(typeof error.message, "string");
    assert.notEqual(error.message, "");
    return error.data?.code;
  }

  /** The answer to an event, whatever it is. */
  ask(event, ...args) {
    return within(
      new Promise((resolve) => this.socket.emit(event, ...args, (...answer) => {
        assert.equal(answer.length, 1, "an answer is one object");
        resolve(answer[0]);
      })),
      `the answer to ${event} ${JSON.stringify(args).slice(0, 200)}`,
      ACK_MS_MAX,
    );
  }

  /** The answer to an event that must be granted. */
  async does(event, arg) {
    const answer = await this.ask(event, arg);
    assert.equal(answer.ok, true, `${event} ${JSON.stringify(arg).slice(0, 200)}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The error of an event that must be refused with one of these codes. */
  async refused(codes, event, ...args) {
    const answer = await this.ask(event, ...args);
    assert.equal(answer.ok, false, `${event} ${JSON.stringify(args).slice(0, 200)} was granted: ${JSON.stringify(answer).slice(0, 200)}`);
    assert.ok([codes].flat().includes(answer.error.code), `${event} ${JSON.stringify(args).slice(0, 200)}: ${answer.error.code}, not ${codes}`);
    assert.equal(typeof answer.error.message, "string");
    assert.notEqual(answer.error.message, "");
    return answer.error;
  }

  join(room, more = {}) {
    return this.does("join", { room, ...more });
  }

  say(room, text, more = {}) {
    return this.does("send", { room, id: unique("m"), text, ...more });
  }

  /** Waits until this many entries of the room were told, and returns them. */
  async entries(room, count) {
    await until(() => this.all("message", room).length >= count, () => `${count} entries in ${room}, got ${JSON.stringify(this.texts(room))}`);
    return this.all("message", room);
  }

  async heard(event, matches, what = event) {
    return until(() => this.told.filter((one) => one.event === event).map((one) => one.args[0]).find(matches), () => `${what}; told ${JSON.stringify(this.told.slice(-8))}`);
  }
}

/** The counter of a position `<epoch>-<n>`. */
export const n = (position) => Number(position.split("-")[1]);
