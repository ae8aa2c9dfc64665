// Stock clients, dropped in every way at random moments under traffic in several rooms: recovered each time, nothing missed,
// nothing doubled. RECOVERY_SEED repeats a run's choices (the network's own timing it cannot), RECOVERY_SECONDS makes it longer.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Person } from "../chat/person.mjs";
import { ChatServer, STORMY } from "../target/chat.mjs";
import { SECONDS, SEED, storm } from "./storm.mjs";

afterEach(() => Person.everybodyLeaves());

const TRANSPORTS = {
  WebSocket: ["websocket"],
  polling: ["polling"],
  "polling with upgrade": ["polling", "websocket"],
};

async function run(context, options) {
  const server = await ChatServer.start(STORMY);
  context.diagnostic(`RECOVERY_SEED=${SEED} RECOVERY_SECONDS=${SECONDS}`);
  try {
    const told = await storm(server, options);
    context.diagnostic(JSON.stringify(told));
    assert.ok(told.reconnects >= SECONDS, `only ${told.reconnects} reconnects: this shows nothing`);
    assert.ok(server.running, `the server ended:\n${server.program.output}`);
    return told;
  } finally {
    await server.stop();
  }
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`${name}: every cut is recovered`, async (context) => {
    const { upgrades } = await run(context, { transports });
    if (transports.length > 1) assert.ok(upgrades > 0, "no upgrade was ever finished");
  });
}

test("without recovery clients come back from their own cursors, and miss nothing either", (context) =>
  run(context, { transports: ["websocket"], auth: { recovery: false } }));
