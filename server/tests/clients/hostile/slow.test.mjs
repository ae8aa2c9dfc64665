// Clients that begin something and never finish it: each is given up after its time, and costs nobody else anything.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { until, within } from "../wire/deadline.mjs";
import { RawWebSocket } from "../wire/frames.mjs";
import { PollingSession } from "../wire/polling.mjs";
import { PATIENCE_MS, attack, server } from "./target.mjs";

const SOCKET = "/socket.io/";
const MANY = 1_000;
const DRIP_MS = 100;

/** A TCP connection that says `start` and then one byte of `drip` now and then; `ended` when the server has had enough. */
function slowly(start, drip) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const one = { answer: "" };
  socket.write(start);
  socket.setEncoding("latin1").on("data", (text) => (one.answer += text));
  socket.on("error", () => {});
  const timer = setInterval(() => socket.write(drip), DRIP_MS);
  one.ended = new Promise((resolve) => socket.on("close", resolve)).finally(() => clearInterval(timer));
  one.socket = socket;
  return one;
}

async function givenUp(ones) {
  const all = Promise.all(ones.map((one) => one.ended));
  await within(all, `${ones.length} slow connections to be given up`, PATIENCE_MS + 15_000).finally(() => ones.forEach((one) => one.socket.destroy()));
}

attack("slow headers: 300 connections that never finish a request", [], async () => {
  await givenUp(Array.from({ length: 300 }, () => slowly("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n", "X")));
});

attack("silence: 300 connections that say nothing", [], async () => {
  await givenUp(Array.from({ length: 300 }, () => slowly("", "")));
});

attack("slow bodies: 100 posts that come byte by byte", ["slow_body"], async () => {
  const sessions = await Promise.all(Array.from({ length: 100 }, () => PollingSession.open(server.url, SOCKET)));
  const ones = sessions.map(({ sid }) =>
    slowly(`POST ${SOCKET}?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 50000\r\n\r\n4`, "x"),
  );
  await givenUp(ones);
});

attack("slow chunks: 50 posts in chunks without end", ["slow_body"], async () => {
  const sessions = await Promise.all(Array.from({ length: 50 }, () => PollingSession.open(server.url, SOCKET)));
  const ones = sessions.map(({ sid }) =>
    slowly(`POST ${SOCKET}?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, "1\r\nx\r\n"),
  );
  await givenUp(ones);
});

attack(`${MANY} WebSockets that connect to no namespace`, ["connect_timeout"], async () => {
  const raws = [];
  while (raws.length < MANY) raws.push(...(await Promise.all(Array.from({ length: 50 }, () => RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket`)))));
  await within(Promise.all(raws.map((raw) => raw.ended)), "all to be closed", 30_000);
});

attack(`${MANY} upgrades that never probe`, ["connect_timeout"], async () => {
  const raws = [];
  while (raws.length < MANY) {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => PollingSession.open(server.url, SOCKET)));
    raws.push(...(await Promise.all(sessions.map(({ sid }) => RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket&sid=${sid}`)))));
  }
  await within(Promise.all(raws.map((raw) => raw.ended)), "all to be closed", 30_000);
});

attack("an upgrade that never finishes leaves its session on polling", [], async () => {
  const session = await PollingSession.open(server.url, SOCKET);
  await session.send('40{"name":"Slow"}');
  const [reply] = await session.receive(1);
  assert.match(reply, /^40/);
  const raw = await RawWebSocket.open(server.url, `${SOCKET}?EIO=4&transport=websocket&sid=${session.sid}`);
  await within(raw.ended, "the upgrade to be given up", PATIENCE_MS + 10_000);
  await session.send('420["rooms",{}]');
  await until(async () => (await session.receive(1)).some((packet) => packet.startsWith("430[")), "the answer over polling");
});
