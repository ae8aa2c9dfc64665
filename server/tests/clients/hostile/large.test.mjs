// Too much of everything: refused on its first bytes where it is announced, at the bound where it is not.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { once, within } from "../wire/deadline.mjs";
import { RawWebSocket, frame } from "../wire/frames.mjs";
import { PollingSession, request } from "../wire/polling.mjs";
import { MAX_PAYLOAD_BYTES, attack, server } from "./target.mjs";

const SOCKET = "/socket.io/";

/** Writes `start`, then `more` over and over until the server ends the connection; what it answered. */
async function pour(start, more, chunks = 200) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text) => (answer += text));
  socket.on("error", () => {});
  const ended = new Promise((resolve) => socket.on("close", resolve));
  await once(socket, "connect");
  socket.write(start);
  for (let i = 0; i < chunks && !socket.destroyed; i++) {
    if (!socket.write(more)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), ended]);
  }
  await within(ended, "the server to end it").finally(() => socket.destroy());
  return answer;
}

attack("a post that announces 10 GB is refused before it is sent", ["too_large"], async () => {
  const { sid } = await PollingSession.open(server.url, SOCKET);
  const answer = await pour(`POST ${SOCKET}?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n`, "", 0);
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

attack("a post of chunks without end is refused at the limit", ["too_large"], async () => {
  const { sid } = await PollingSession.open(server.url, SOCKET);
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  await pour(`POST ${SOCKET}?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, chunk);
});

attack("headers without end are refused", [], async () => {
  await pour(`GET ${SOCKET}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n`, `X-Much: ${"x".repeat(8_000)}\r\n`);
});

attack("a header line without end is refused", [], async () => {
  await pour(`GET ${SOCKET}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nX-Much: `, "x".repeat(65_536));
});

attack("an address without end is refused", [], async () => {
  await pour(`GET ${SOCKET}?EIO=4&transport=polling&x=`, "x".repeat(65_536));
});

attack("a post of 1,000,000 separators ends its session", ["bad_input", "bad_request", "too_large"], async () => {
  const session = await PollingSession.open(server.url, SOCKET);
  await session.post("\x1e".repeat(MAX_PAYLOAD_BYTES));
});

attack("a post of 100,000 packets is taken or ends its session", [], async () => {
  const session = await PollingSession.open(server.url, SOCKET);
  await session.post(Array.from({ length: 100_000 }, () => "4431[]").join("\x1e"));
});

attack("a frame of 2^62 bytes is refused on its header", ["too_large", "bad_input"], async () => {
  const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`);
  await raw.next();
  raw.write(frame({ opcode: 2, announced: 2n ** 62n }));
  await raw.closed();
});

attack("a million empty fragments end the connection", ["broken_rule", "bad_input", "too_large"], async () => {
  const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`);
  await raw.next();
  raw.write(frame({ opcode: 1, fin: false, payload: "4" }));
  const empty = Buffer.concat(Array.from({ length: 1_000 }, () => frame({ opcode: 0, fin: false })));
  for (let i = 0; i < 1_000 && !raw.isClosed; i++) {
    raw.write(empty);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await raw.closed();
});

attack("ten thousand WebSocket pings in a heap are answered or end the connection, and are not kept", [], async () => {
  const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`);
  await raw.next();
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame({ opcode: 9, payload: "x".repeat(125) })));
  raw.write(pings);
  await raw.closed(); // at the latest by the connect timeout
});

attack("a binary event of 10,000 announced attachments ends the connection", ["bad_input", "too_large"], async () => {
  const session = await PollingSession.open(server.url, SOCKET);
  await session.send('40{"name":"Mallory"}');
  await session.receive(1);
  await session.post('4510000-["send",{"_placeholder":true,"num":0}]');
  const { status } = await request(session.url(), { method: "POST", body: "bAA==" });
  assert.ok([200, 400].includes(status));
  let answer = await session.get();
  for (let i = 0; answer.status === 200 && i < 5; i++) answer = await session.get();
  assert.equal(answer.status, 400);
});

attack("compression that was not agreed is refused", ["bad_input"], async () => {
  const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`);
  await raw.next();
  raw.write(frame({ opcode: 1, rsv: 4, payload: "4x" }));
  await raw.closed();
});
