// engine.io-client, the layer below socket.io-client, against the plain echo.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket } from "engine.io-client";
import { once, pause, until } from "../wire/deadline.mjs";
import { PING_INTERVAL_MS, URL_PATIENT as URL } from "./expect.mjs";

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(`${transports.join(" and ")}: text and binary come back, heartbeats keep it open, it closes`, async () => {
    const socket = new Socket(URL, { path: "/engine.io/", transports });
    const seen = [];
    const closed = [];
    socket.on("message", (data) => seen.push(typeof data === "string" ? data : Buffer.from(data)));
    socket.on("close", (reason) => closed.push(reason));
    await once(socket, "open");
    const sent = ["hello", "€ 🎉", Buffer.from([1, 2, 3]), Buffer.alloc(100_000, 1), "x".repeat(300_000), "end"];
    for (const message of sent) socket.send(message);
    await until(() => seen.length === sent.length, () => `${sent.length} messages, got ${seen.length}`);
    assert.deepEqual(seen, sent);
    await pause(PING_INTERVAL_MS * 4);
    assert.deepEqual(closed, []);
    if (transports.length === 2) assert.equal(socket.transport.name, "websocket");
    socket.close();
    await until(() => closed.length === 1, "the close");
  });
}
