// WebSocket frames by hand over a plain TCP connection.
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { until, within } from "./deadline.mjs";

/** Spells one client frame; `announced` lies about the length of the payload. */
export function frame({ opcode, payload = "", fin = true, rsv = 0, masked = true, announced }) {
  const body = Buffer.from(payload);
  const length = BigInt(announced ?? body.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const head =
    length < 126n
      ? Buffer.from([first, maskBit | Number(length)])
      : length < 65_536n
        ? Buffer.from([first, maskBit | 126, Number(length >> 8n), Number(length & 0xffn)])
        : Buffer.concat([Buffer.from([first, maskBit | 127]), bigEndian(length)]);
  if (!masked) return Buffer.concat([head, body]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, body.map((byte, i) => byte ^ key[i % 4])]);
}

function bigEndian(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  return bytes;
}

/** Takes one server frame off the front of `bytes`, or `null` where it is not whole yet. */
function unframe(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 0x7f;
  const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < headBytes) return null;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < headBytes + length) return null;
  return {
    frame: {
      fin: (bytes[0] & 0x80) !== 0,
      rsv: (bytes[0] >> 4) & 7,
      opcode: bytes[0] & 0x0f,
      masked: (bytes[1] & 0x80) !== 0,
      payload: bytes.subarray(headBytes, headBytes + length),
    },
    rest: bytes.subarray(headBytes + length),
  };
}

/** A TCP connection that has made the WebSocket handshake and then says whatever a test writes. */
export class RawWebSocket {
  static async open(base, target) {
    const { hostname, port } = new URL(base);
    const socket = connect(Number(port), hostname);
    const raw = new RawWebSocket(socket);
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    await until(() => raw.bytes.includes("\r\n\r\n"), "the answer to the handshake");
    const end = raw.bytes.indexOf("\r\n\r\n") + 4;
    raw.head = raw.bytes.subarray(0, end).toString();
    raw.bytes = raw.bytes.subarray(end);
    return raw;
  }

  constructor(socket) {
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    this.isClosed = false;
    socket.on("data", (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
    this.ended = new Promise((resolve) => socket.on("close", resolve));
    this.ended.then(() => {
      this.isClosed = true;
    });
    socket.on("error", () => {}); // a reset is one of the ways to end
  }

  write(bytes) {
    this.socket.write(bytes);
  }

  async next() {
    const taken = await until(() => {
      const found = unframe(this.bytes);
      if (!found && this.isClosed) throw new Error("the connection ended while a frame was awaited");
      return found;
    }, "a frame");
    this.bytes = taken.rest;
    return taken.frame;
  }

  closed() {
    return within(this.ended, "the server to close the connection");
  }

  end() {
    this.socket.destroy();
  }
}
