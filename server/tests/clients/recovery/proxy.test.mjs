// The proxy itself, in front of the stock server: each fault does what it says, else the storm would show nothing.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { Program, freePort } from "../target/program.mjs";
import { once, pause, until } from "../wire/deadline.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { Proxy, UPGRADE_STAGES } from "./proxy.mjs";

const SOCKET = "/socket.io/";
let program, proxy;

before(async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const reference = fileURLToPath(new URL("../conformance/reference.mjs", import.meta.url));
  program = new Program(process.execPath, [reference, "--listen", listen, "--ping-interval", "1000", "--ping-timeout", "1500"]);
  await program.answers(`http://${listen}/engine.io/`);
  proxy = await Proxy.start(`http://${listen}`);
});

after(async () => {
  proxy.stop();
  await program.stop();
});

const clients = new Set();
afterEach(() => {
  for (const socket of clients) socket.disconnect();
  clients.clear();
});

async function client(transports) {
  const socket = io(proxy.url, { forceNew: true, transports, reconnectionDelay: 10, reconnectionDelayMax: 20 });
  clients.add(socket);
  await once(socket, "connect");
  return socket;
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(`${transports}: whole and in order when nothing breaks`, async () => {
    const socket = await client(transports);
    const sent = Array.from({ length: 200 }, (_, i) => `${i} ${"x".repeat(i * 20)}`);
    assert.deepEqual(await Promise.all(sent.map((text) => socket.timeout(5_000).emitWithAck("message-with-ack", text))), sent);
  });

  for (const fault of ["reset", "close", "halfOpen"]) {
    test(`${transports}: ${fault} drops the client, who comes back`, async () => {
      const socket = await client(transports);
      // Cut in the middle of an upgrade, this client notices by its heartbeat only: see the stages below.
      if (transports.length > 1) await until(() => socket.io.engine.transport.name === "websocket", "the upgrade");
      await until(() => proxy.links.size > 0, "a connection");
      const gone = once(socket, "disconnect");
      const back = once(socket, "connect");
      assert.ok(proxy.break(fault));
      await gone;
      await back;
      assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "again"), "again");
    });
  }
}

test("a stall holds everything back, and then lets it through", async () => {
  const socket = await client(["websocket"]);
  proxy.stall(400);
  const started = performance.now();
  assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "late"), "late");
  assert.ok(performance.now() - started > 300);
});

test("a half-open connection is not closed for the server", async () => {
  const wire = await Wire.open(proxy.url, SOCKET);
  const [server] = [...proxy.upstreams].slice(-1);
  proxy.break("halfOpen");
  await wire.closed();
  await pause(100);
  assert.equal(server.destroyed, false);
  server.destroy();
});

test("a lost response was taken from the server and never came", async () => {
  const session = await PollingSession.open(proxy.url, "/engine.io/");
  await session.send("4lost");
  proxy.loseNextResponse();
  await assert.rejects(session.get(), /fetch failed/);
  await session.send("4next");
  assert.deepEqual(await session.receive(1), ["4next"]);
});

test("a repeated GET and POST reach the server twice", async () => {
  const session = await PollingSession.open(proxy.url, "/engine.io/");
  proxy.repeatNext("POST");
  await session.send("4twice");
  assert.deepEqual(await session.receive(2), ["4twice", "4twice"], "the stock server is taken in");
  await session.send("4first");
  proxy.repeatNext("GET");
  const waiting = request(session.url("&t=1"));
  await pause(50);
  await session.send("4second");
  assert.equal((await waiting).text, "4second", "the first answer was thrown away");
});

for (const stage of UPGRADE_STAGES) {
  test(`an upgrade is cut when: ${stage}`, async () => {
    proxy.faults = {};
    proxy.cutNextUpgrade(stage, "reset");
    const socket = await client(["polling", "websocket"]);
    await until(() => proxy.faults[`upgrade cut: ${stage}`] === 1, "the cut");
    await until(async () => (await socket.timeout(2_000).emitWithAck("message-with-ack", "on").catch(() => "")) === "on", "the client to go on");
  });
}
