// Two well-behaved people who chat on while somebody else misbehaves, and whom nothing of it may touch.
import assert from "node:assert/strict";
import { Person, n, unique } from "../chat/person.mjs";
import { pause, until } from "../wire/deadline.mjs";

const TALK_MS = 40;
/** An answer may take this long while a thousand connections do what they should not; on an idle machine it takes one. */
const ANSWER_MS_MAX = 5_000;

export class Bystanders {
  static async arrive(url) {
    const room = unique("quiet");
    const [ada, bob] = [await Person.connect(url, { name: "Ada" }), await Person.connect(url, { name: "Bob" }, { transports: ["polling"] })];
    await ada.join(room);
    await bob.join(room);
    return new Bystanders(room, [ada, bob]);
  }

  constructor(room, people) {
    this.room = room;
    this.people = people;
    this.said = 0;
    this.slowest = 0;
    this.gone = [];
    for (const person of people) person.socket.on("disconnect", (reason) => this.gone.push(reason));
    this.over = false;
    this.talk = Promise.all(people.map((person) => this.#talk(person)));
    this.talk.catch(() => {}); // told by `unharmed`
  }

  async #talk(person) {
    while (!this.over) {
      const started = performance.now();
      await person.say(this.room, `${this.said}`);
      this.said += 1;
      this.slowest = Math.max(this.slowest, performance.now() - started);
      await pause(TALK_MS);
    }
  }

  /** Everything said so far reached both, once and in order, over the connections that they began with. */
  async unharmed() {
    const { said } = this;
    await until(() => this.said > said + 2, "them to talk on");
    for (const person of this.people) {
      const entries = await person.entries(this.room, said);
      assert.deepEqual(entries.map((entry) => n(entry.position)), Array.from({ length: entries.length }, (_, i) => i + 1));
    }
    assert.deepEqual(this.gone, [], "they were disconnected");
    assert.ok(this.slowest < ANSWER_MS_MAX, `an answer took ${this.slowest} ms`);
  }

  async leave() {
    this.over = true;
    await this.talk;
  }
}
