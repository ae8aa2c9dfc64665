// Clients that stop reading for a while and start again: they miss nothing, delay nobody, and the server keeps little for them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { Person, n } from "../chat/person.mjs";
import { ChatServer, STORMY } from "../target/chat.mjs";
import { until } from "../wire/deadline.mjs";
import { Proxy } from "./proxy.mjs";
import { Witness } from "./witness.mjs";

afterEach(() => Person.everybodyLeaves());

const SLEEPERS = 20;
const MESSAGES = 600;
const TEXT_BYTES = 15_000;
const SLEEP_MS = 5_000;
/** The log itself, 9 MB and as much again for its allocator, and 64 KiB and a page of the log for each sleeper. */
const GROWTH_KIB_MAX = 60 * 1024;
/** On a busy machine; on an idle one it takes a few milliseconds. */
const LATENCY_MS_MAX = 2_000;

const memoryKib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

for (const transports of [["websocket"], ["polling"]]) {
  test(`${transports}: ${SLEEPERS} sleepers catch up with ${MESSAGES} long messages`, async () => {
    const server = await ChatServer.start({ ...STORMY, "ping-interval": "1s", "ping-timeout": "30s", "stall-timeout": "60s" });
    const sleepers = [];
    try {
      const room = "slow";
      const [speaker, awake] = [await Person.connect(server.url, { name: "Speaker" }), await Person.connect(server.url, { name: "Awake" })];
      await speaker.join(room);
      await awake.join(room);
      for (let i = 0; i < SLEEPERS; i++) {
        const proxy = await Proxy.start(server.url);
        const witness = new Witness(`Sleeper ${i}`, proxy.url, {}, { transports });
        await witness.join(room);
        sleepers.push({ proxy, witness });
      }
      const before = memoryKib(server.program.child.pid);
      for (const { proxy } of sleepers) proxy.stall(SLEEP_MS);
      let slowest = 0;
      let largest = 0;
      for (let i = 1; i <= MESSAGES; i++) {
        const started = performance.now();
        await speaker.say(room, "x".repeat(TEXT_BYTES));
        await awake.entries(room, i);
        slowest = Math.max(slowest, performance.now() - started);
        if (i % 50 === 0) largest = Math.max(largest, memoryKib(server.program.child.pid) - before);
      }
      assert.ok(slowest < LATENCY_MS_MAX, `one message took ${slowest} ms to somebody who reads`);
      assert.ok(largest < GROWTH_KIB_MAX, `the server grew by ${largest} KiB`);
      for (const { witness } of sleepers) {
        await until(() => witness.faults.length > 0 || n(witness.at.get(room)) === MESSAGES, () => `${witness.name} to catch up from ${witness.at.get(room)}`, 30_000);
        assert.deepEqual(witness.faults, []);
        assert.equal(witness.seen.get(room).length, MESSAGES);
        assert.equal(witness.reconnects, 0, "over the connection that it had");
      }
    } finally {
      for (const { proxy, witness } of sleepers) {
        witness.end();
        proxy.stop();
      }
      await server.stop();
    }
  });
}
