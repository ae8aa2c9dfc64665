// The corpus of bad input of chat-wire, sent to a live server, line by line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { RawWebSocket } from "../wire/frames.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { attack, server } from "./target.mjs";

const SOCKET = "/socket.io/";

/** The cases of one file: `{expected, input}`. */
function corpus(file) {
  const lines = readFileSync(new URL(`../../../wire/tests/corpus/${file}`, import.meta.url), "utf8").split("\n");
  const cases = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split("\t"));
  assert.ok(cases.length > 20, `${file} holds only ${cases.length} cases`);
  return cases.map(([expected, input]) => ({ expected, input }));
}

attack("websocket.tsv: each bad stream is closed with a code of the protocol", ["bad_input", "bad_text", "too_large"], async () => {
  for (const { expected, input } of corpus("websocket.tsv").filter((one) => one.expected !== "ok")) {
    const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`);
    assert.equal((await raw.next()).opcode, 1);
    raw.write(Buffer.from(input.replaceAll(" ", ""), "hex"));
    // Whole messages before the bad one are Engine.IO packets too, and may be what it is closed for.
    let close = await raw.next();
    while (close.opcode !== 8) close = await raw.next();
    const code = close.payload.readUInt16BE(0);
    assert.ok([1002, 1007, 1009].includes(code), `${expected} ${input}: closed with ${code}`);
    await raw.closed();
  }
});

attack("payload.tsv: each bad payload ends its session", ["bad_input", "bad_request"], async () => {
  for (const { expected, input } of corpus("payload.tsv").filter((one) => one.expected !== "ok")) {
    const session = await PollingSession.open(server.url, SOCKET);
    const { status } = await session.post(JSON.parse(input));
    assert.ok([200, 400].includes(status), `${expected} ${input}: ${status}`);
    let answer = await session.get();
    if (answer.status === 200) answer = await session.get();
    assert.equal(answer.status, 400, `${expected} ${input}: the session goes on`);
  }
});

attack("query.tsv: each bad query is answered 400", ["bad_request"], async () => {
  for (const { expected, input } of corpus("query.tsv").filter((one) => one.expected !== "ok")) {
    const { status } = await request(`${server.url}${SOCKET}?${JSON.parse(input)}`);
    assert.ok(status === 400 || (status === 414 && input.length > 5_000), `${expected} ${input.slice(0, 200)}: ${status}`);
  }
});

attack("socket.tsv: each bad packet ends its connection", ["bad_input"], async () => {
  for (const { expected, input } of corpus("socket.tsv").filter((one) => one.expected !== "ok")) {
    const wire = await Wire.open(server.url, SOCKET, { heartbeat: true });
    wire.send('40{"name":"Mallory"}');
    await wire.next();
    wire.send(JSON.parse(input));
    // A placeholder may only be known to be wrong once its attachments are there.
    if (expected === "socket_placeholder") wire.send(Buffer.from("x"), Buffer.from("y"));
    await wire.closed().catch(() => assert.fail(`${expected} ${input}: goes on`));
  }
});
