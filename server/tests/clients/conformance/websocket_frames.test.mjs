// RFC 6455 at the level of bytes: what no WebSocket library would send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawWebSocket, frame } from "../wire/frames.mjs";
import { ENGINE, MAX_PAYLOAD_BYTES, URL_TIGHT as URL } from "./expect.mjs";

const TEXT = 1;
const BINARY = 2;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

async function open() {
  const raw = await RawWebSocket.open(URL, `${ENGINE}?EIO=4&transport=websocket`);
  const { opcode, payload } = await raw.next();
  assert.equal(opcode, TEXT);
  assert.equal(payload.toString()[0], "0");
  return raw;
}

/** The next frame that is no Engine.IO ping. */
async function answer(raw) {
  for (;;) {
    const next = await raw.next();
    if (next.payload.toString() !== "2") return next;
    raw.write(frame({ opcode: TEXT, payload: "3" }));
  }
}

test("the handshake is answered with the accept key and no frame of the server is masked", async () => {
  const raw = await open();
  assert.match(raw.head, /^HTTP\/1\.1 101 /);
  raw.write(frame({ opcode: TEXT, payload: "4hi" }));
  const { masked, fin, rsv } = await answer(raw);
  assert.deepEqual([masked, fin, rsv], [false, true, 0]);
  raw.end();
});

test("a message comes back whatever its length", async () => {
  const raw = await open();
  for (const length of [1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 100_000]) {
    const text = `4${"x".repeat(length - 1)}`;
    raw.write(frame({ opcode: TEXT, payload: text }));
    assert.equal((await answer(raw)).payload.toString(), text);
  }
  raw.end();
});

test("a message cut into fragments is one message, with a ping answered in between", async () => {
  const raw = await open();
  raw.write(frame({ opcode: TEXT, fin: false, payload: "4he" }));
  raw.write(frame({ opcode: PING, payload: "mid" }));
  raw.write(frame({ opcode: CONTINUATION, fin: false, payload: "" }));
  raw.write(frame({ opcode: CONTINUATION, payload: "llo" }));
  const pong = await answer(raw);
  assert.deepEqual([pong.opcode, pong.payload.toString()], [PONG, "mid"]);
  assert.equal((await answer(raw)).payload.toString(), "4hello");
  raw.end();
});

test("a character cut between two fragments is one character", async () => {
  const raw = await open();
  const bytes = Buffer.from("4🎉");
  raw.write(frame({ opcode: TEXT, fin: false, payload: bytes.subarray(0, 3) }));
  raw.write(frame({ opcode: CONTINUATION, payload: bytes.subarray(3) }));
  assert.equal((await answer(raw)).payload.toString(), "4🎉");
  raw.end();
});

test("bytes that arrive one by one make the same message", async () => {
  const raw = await open();
  const bytes = frame({ opcode: TEXT, payload: "4slowly" });
  for (let i = 0; i < bytes.length; i++) raw.write(bytes.subarray(i, i + 1));
  assert.equal((await answer(raw)).payload.toString(), "4slowly");
  raw.end();
});

test("an unasked pong is ignored, a close is answered with its code", async () => {
  const raw = await open();
  raw.write(frame({ opcode: PONG, payload: "unasked" }));
  raw.write(frame({ opcode: TEXT, payload: "4on" }));
  assert.equal((await answer(raw)).payload.toString(), "4on");
  raw.write(frame({ opcode: CLOSE, payload: code(1000) }));
  const close = await answer(raw);
  assert.deepEqual([close.opcode, close.payload.readUInt16BE(0)], [CLOSE, 1000]);
  await raw.closed();
});

const code = (number) => Buffer.from([number >> 8, number & 0xff]);

/** Bytes that break the protocol, and the close code that says how. */
const BROKEN = {
  "a frame that is not masked": [frame({ opcode: TEXT, payload: "4x", masked: false }), 1002],
  "a reserved bit": [frame({ opcode: TEXT, payload: "4x", rsv: 1 }), 1002],
  "an unknown opcode": [frame({ opcode: 3, payload: "4x" }), 1002],
  "an unknown control opcode": [frame({ opcode: 11, payload: "" }), 1002],
  "a continuation of nothing": [frame({ opcode: CONTINUATION, payload: "4x" }), 1002],
  "a new message within a message": [Buffer.concat([frame({ opcode: TEXT, fin: false, payload: "4x" }), frame({ opcode: TEXT, payload: "4y" })]), 1002],
  "a fragmented ping": [frame({ opcode: PING, fin: false, payload: "x" }), 1002],
  "a ping of 126 bytes": [frame({ opcode: PING, payload: "x".repeat(126) }), 1002],
  "a close of one byte": [frame({ opcode: CLOSE, payload: "x" }), 1002],
  "a close with a code that nobody may send": [frame({ opcode: CLOSE, payload: code(1005) }), 1002],
  "a close with a code out of range": [frame({ opcode: CLOSE, payload: code(999) }), 1002],
  "a close whose reason is no UTF-8": [frame({ opcode: CLOSE, payload: Buffer.concat([code(1000), Buffer.from([0xff])]) }), 1007],
  "text that is no UTF-8": [frame({ opcode: TEXT, payload: Buffer.from([0x34, 0xc3, 0x28]) }), 1007],
  "text that ends within a character": [frame({ opcode: TEXT, payload: Buffer.from([0x34, 0xe2, 0x82]) }), 1007],
  "text with a surrogate": [frame({ opcode: TEXT, payload: Buffer.from([0x34, 0xed, 0xa0, 0x80]) }), 1007],
  "a frame that announces more than the limit": [frame({ opcode: TEXT, payload: "4", announced: MAX_PAYLOAD_BYTES + 1 }), 1009],
  "a frame that announces 2^62 bytes": [frame({ opcode: BINARY, payload: "", announced: 2n ** 62n }), 1009],
  "fragments that together pass the limit": [
    Buffer.concat([
      frame({ opcode: TEXT, fin: false, payload: `4${"x".repeat(MAX_PAYLOAD_BYTES - 1)}` }),
      frame({ opcode: CONTINUATION, payload: "x" }),
    ]),
    1009,
  ],
};

for (const [name, [bytes, expected]] of Object.entries(BROKEN)) {
  test(`${name} closes with ${expected}`, async () => {
    const raw = await open();
    raw.write(bytes);
    const close = await answer(raw);
    assert.equal(close.opcode, CLOSE, close.payload.toString().slice(0, 100));
    assert.equal(close.payload.readUInt16BE(0), expected);
    await raw.closed();
  });
}
