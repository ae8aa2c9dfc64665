// The server that is attacked: short patience, so that tests need not wait for long; and what an attack must not do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person } from "../chat/person.mjs";
import { ChatServer } from "../target/chat.mjs";
import { until } from "../wire/deadline.mjs";
import { Wire } from "../wire/websocket.mjs";
import { Bystanders } from "./bystanders.mjs";

export const PATIENCE_MS = 1_000;
export const MAX_PAYLOAD_BYTES = 1_000_000;
const SETTINGS = {
  "header-timeout": `${PATIENCE_MS}ms`,
  "body-timeout": `${PATIENCE_MS}ms`,
  "upgrade-timeout": `${PATIENCE_MS}ms`,
  "connect-timeout": `${2 * PATIENCE_MS}ms`,
  "max-payload": String(MAX_PAYLOAD_BYTES),
  "send-per-second": "1000",
  "send-burst": "10000",
};

export let server;
let bystanders;

before(async () => {
  server = await ChatServer.start(SETTINGS);
  bystanders = await Bystanders.arrive(server.url);
});

after(async () => {
  await bystanders?.leave();
  Person.everybodyLeaves();
  await server?.stop();
});

/** How often connections were closed and requests refused, by reason. */
async function counted() {
  const metrics = await server.metrics();
  return new Map([...metrics].filter(([name]) => /_total\{.*reason=/.test(name)));
}

/**
 * An attack: whatever it does, the server lives, the bystanders go on, and a counter of one of these `reasons` rises
 * (`none` where the input is harmless).
 */
export function attack(name, reasons, body) {
  test(name, async (context) => {
    const before = await counted();
    try {
      await body(context);
    } finally {
      Wire.endAll();
    }
    assert.ok(server.running, `the server ended:\n${server.program.output}`);
    await bystanders.unharmed();
    if (reasons.length > 0) {
      await until(async () => {
        const now = await counted();
        return [...now].some(([counter, value]) => value > (before.get(counter) ?? 0) && reasons.some((reason) => counter.includes(`reason="${reason}"`)));
      }, `a counter of ${reasons} to rise; there are ${[...before.keys()].join(" ")}`);
    }
    assert.ok(!/panicked/.test(server.program.output), server.program.output);
  });
}
