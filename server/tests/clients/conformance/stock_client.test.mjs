// socket.io-client as applications use it, on WebSocket, on polling, and with the upgrade between the two.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { io } from "socket.io-client";
import { once, pause, until, within } from "../wire/deadline.mjs";
import { MAX_PAYLOAD_BYTES, PING_INTERVAL_MS, URL_PATIENT as URL } from "./expect.mjs";

const TRANSPORTS = {
  websocket: { transports: ["websocket"] },
  polling: { transports: ["polling"] },
  "polling, then upgrade": { transports: ["polling", "websocket"] },
};

const open = new Set();
afterEach(() => {
  for (const socket of open) socket.disconnect();
  open.clear();
});

/** A client with a connection of its own. */
function client(options, namespace = "/") {
  const socket = io(`${URL}${namespace}`, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, ...options });
  open.add(socket);
  return socket;
}

const VALUES = {
  "plain values": [1, "2", { 3: [true, null] }, 1.5, -0.25],
  "no arguments": [],
  "text beyond ASCII": ["€ 🎉 \u0000 \u2028 \"quoted\""],
  "bytes": [Buffer.from([0, 1, 0x1e, 255])],
  "bytes deep inside": [{ list: [Buffer.from("one"), { deeper: Buffer.from("two") }], text: "x" }, Buffer.alloc(0)],
  "many bytes": [Buffer.alloc(200_000, 7)],
  "much text": ["x".repeat(500_000)],
};

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  describe(name, () => {
    test("connects, tells its auth, and is not recovered", async () => {
      const socket = client({ ...transport, auth: { token: "123", nested: { list: [1] } } });
      const [auth] = await once(socket, "auth");
      assert.deepEqual(auth, { token: "123", nested: { list: [1] } });
      assert.equal(typeof socket.id, "string");
      assert.ok(!socket.recovered);
    });

    for (const [kind, args] of Object.entries(VALUES)) {
      test(`${kind} come back by event and by acknowledgement`, async () => {
        const socket = client(transport);
        const back = once(socket, "message-back");
        socket.emit("message", ...args);
        assert.deepEqual(await back, args);
        const acked = await within(new Promise((resolve) => socket.emit("message-with-ack", ...args, (...got) => resolve(got))), "the ack");
        assert.deepEqual(acked, args);
      });
    }

    test("a thousand messages keep their order, also over the upgrade", async () => {
      const socket = client(transport);
      const seen = [];
      socket.on("message-back", (i) => seen.push(i));
      for (let i = 0; i < 1_000; i++) {
        socket.emit("message", i);
        if (i % 50 === 0) await pause(2);
      }
      await until(() => seen.length === 1_000, () => `1000 messages, got ${seen.length}`);
      assert.deepEqual(seen, Array.from({ length: 1_000 }, (_, i) => i));
    });

    test("two namespaces share a connection", async () => {
      const main = client({ ...transport, forceNew: false, multiplex: true, query: { test: name } });
      const custom = main.io.socket("/custom", { auth: { token: "c" } });
      open.add(custom);
      assert.deepEqual(await once(custom, "auth"), [{ token: "c" }]);
      assert.equal(await custom.timeout(5_000).emitWithAck("message-with-ack", "x"), "x");
      custom.disconnect();
      assert.equal(await main.timeout(5_000).emitWithAck("message-with-ack", "y"), "y");
    });

    test("an unknown namespace is a connect error with its reason", async () => {
      const socket = client(transport, "/random");
      const [error] = await once(socket, "connect_error");
      assert.equal(error.message, "Invalid namespace");
    });

    test("stays connected over many heartbeats", async () => {
      const socket = client(transport);
      await once(socket, "connect");
      const gone = [];
      socket.on("disconnect", (reason) => gone.push(reason));
      await pause(PING_INTERVAL_MS * 6);
      assert.deepEqual(gone, []);
      assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "alive"), "alive");
    });

    test("comes back with a new id after its transport was closed", async () => {
      const socket = client(transport);
      await once(socket, "connect");
      const { id } = socket;
      const back = once(socket, "connect");
      socket.io.engine.close();
      await back;
      assert.notEqual(socket.id, id);
      assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "again"), "again");
    });

    test("what is emitted while it is away arrives once it is back", async () => {
      const socket = client(transport);
      await once(socket, "connect");
      const gone = once(socket, "disconnect"); // during an upgrade the client closes only after it
      socket.io.engine.close();
      await gone;
      const back = once(socket, "message-back");
      socket.emit("message", "kept");
      assert.deepEqual(await back, ["kept"]);
    });

    test("disconnecting and connecting again by hand", async () => {
      const socket = client(transport);
      await once(socket, "connect");
      socket.disconnect();
      assert.equal(socket.connected, false);
      socket.connect();
      await once(socket, "connect");
      assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "again"), "again");
    });

    test("with retries each packet is acknowledged and arrives in order", async () => {
      const socket = client({ ...transport, retries: 3, ackTimeout: 3_000 });
      const acks = await within(Promise.all([1, 2, 3].map((i) => socket.emitWithAck("message-with-ack", i))), "three acks");
      assert.deepEqual(acks, [1, 2, 3]);
    });

    test("a message above the limit ends the connection, and the client comes back", async () => {
      const socket = client(transport);
      await once(socket, "connect");
      const gone = once(socket, "disconnect");
      const back = once(socket.io, "reconnect");
      socket.emit("message", "x".repeat(MAX_PAYLOAD_BYTES + 1));
      await gone;
      await back;
      assert.equal(await socket.timeout(5_000).emitWithAck("message-with-ack", "again"), "again");
    });
  });
}

test("polling with upgrade ends up on WebSocket", async () => {
  const socket = client(TRANSPORTS["polling, then upgrade"]);
  await once(socket, "connect");
  await until(() => socket.io.engine.transport.name === "websocket", "the upgrade");
});

test("without recovery the server hands out no pid, and events carry no offset", async () => {
  const socket = client(TRANSPORTS.websocket);
  const args = await once(socket, "auth");
  assert.deepEqual(args, [{}], "one argument and no more");
  assert.equal(socket._pid, undefined);
});

test("fifty clients at once keep to themselves", async () => {
  const clients = Array.from({ length: 50 }, (_, i) => client(i % 2 ? TRANSPORTS.websocket : TRANSPORTS.polling));
  const answers = await Promise.all(clients.map((socket, i) => once(socket, "connect").then(() => socket.timeout(8_000).emitWithAck("message-with-ack", i))));
  assert.deepEqual(answers, clients.map((_, i) => i));
});
