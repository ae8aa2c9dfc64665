// The server goes: at once, or in good order. Clients come back by themselves, and are told the truth about what is lost.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Person, unique } from "../chat/person.mjs";
import { ChatServer } from "../target/chat.mjs";
import { until, within } from "../wire/deadline.mjs";

afterEach(() => Person.everybodyLeaves());

test("killed and started again: a new session, and old cursors are answered by a gap or a withdrawal", async () => {
  const first = await ChatServer.start();
  const room = unique("room");
  const ada = await Person.connect(first.url, { name: "Ada" });
  await ada.join(room);
  await ada.say(room, "before");
  const [{ position }] = await ada.entries(room, 1);
  const { user } = ada;
  ada.socket.auth = { token: ada.all("ready")[0].token };
  await first.kill();
  await until(() => !ada.socket.connected, "the client to notice");
  const second = await ChatServer.start({}, first.ports);
  try {
    await until(() => ada.all("ready").length === 2, "the client to be back");
    const ready = ada.all("ready")[1];
    assert.equal(ready.recovered, false);
    assert.deepEqual(ready.rooms, []);
    assert.deepEqual(ready.user, user, "the guest's token is good for another start with the same key");
    await ada.join(room, { after: position });
    await ada.say(room, "after");
    await until(() => ada.texts(room).at(-1) === "after", "what is said now");
    const told = ada.told.filter((one) => ["gap", "void"].includes(one.event));
    assert.equal(told.length, 1, JSON.stringify(told));
    if (told[0].event === "gap") assert.equal(told[0].args[0].reason, "reset");
    assert.deepEqual(ada.texts(room), ["before", "after"]);
  } finally {
    await second.stop();
  }
});

test("what was typed while the server was away is sent once", async () => {
  const first = await ChatServer.start();
  const room = unique("room");
  const ada = await Person.connect(first.url, { name: "Ada" });
  ada.socket.auth = { token: ada.all("ready")[0].token };
  await first.kill();
  await until(() => !ada.socket.connected, "the client to notice");
  const answers = [ada.ask("join", { room }), ada.ask("send", { room, id: "kept", text: "typed offline" })];
  const second = await ChatServer.start({}, first.ports);
  try {
    assert.ok((await Promise.all(answers)).every((answer) => answer.ok));
    const again = await ada.does("send", { room, id: "kept", text: "typed offline" });
    assert.equal(again.duplicate, true);
    assert.deepEqual((await ada.does("history", { room })).entries.map((entry) => entry.text), ["typed offline"]);
  } finally {
    await second.stop();
  }
});

test("told to end, it closes transports at its pace, and exits with 0 before its deadline", async () => {
  const server = await ChatServer.start({ "drain-accept": "0s", "drain-closes-per-second": "20", "drain-deadline": "10s" });
  const people = [];
  for (let i = 0; i < 20; i++) people.push(await Person.connect(server.url, { name: `P${i}` }, { transports: [i % 2 ? "polling" : "websocket"] }));
  const reasons = [];
  for (const { socket } of people) socket.on("disconnect", (reason) => reasons.push(reason));
  const started = performance.now();
  server.program.child.kill("SIGTERM");
  await until(async () => (await fetch(server.metricsUrl.replace("metrics", "readyz")).catch(() => ({ status: 503 }))).status === 503, "not ready");
  const { code, signal } = await within(server.program.exited, "the exit", 15_000);
  const took = performance.now() - started;
  assert.deepEqual([code, signal], [0, null], server.program.output);
  assert.ok(took < 10_500, `it took ${took} ms`);
  await until(() => reasons.length >= people.length, () => `all to be disconnected, ${reasons.length} are`);
  assert.ok(reasons.every((reason) => reason.startsWith("transport")), `never in a way that stock clients do not come back from: ${reasons}`);
  assert.ok(people.every(({ socket }) => socket.active), "all try to come back");
});
