// Socket.IO: events and acknowledgements, with and without binary, on both transports.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PollingSession } from "../wire/polling.mjs";
import { Wire } from "../wire/websocket.mjs";
import { SOCKET, URL_TIGHT as URL } from "./expect.mjs";

async function onWebSocket(packet = "40") {
  const wire = await Wire.open(URL, SOCKET, { heartbeat: true });
  wire.send(packet);
  await wire.take(2);
  return wire;
}

async function onPolling() {
  const session = await PollingSession.open(URL, SOCKET);
  await session.send("40");
  await session.receive(2);
  return session;
}

const A = Buffer.from([1, 2, 3]);
const B = Buffer.from([4, 0x1e, 6]);
const placeholder = (num) => ({ _placeholder: true, num });

/** What is sent and what answers it; packets are compared as text, so the spelling of JSON is part of the test. */
const EXCHANGES = {
  "an event": [['42["message",1,"2",{"3":[true,null]}]'], ['42["message-back",1,"2",{"3":[true,null]}]']],
  "an event without arguments": [['42["message"]'], ['42["message-back"]']],
  "an event of text beyond ASCII": [['42["message","€ 🎉 \\u0000"]'], ['42["message-back","€ 🎉 \\u0000"]']],
  "an acknowledgement": [['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']],
  "an acknowledgement without arguments": [['420["message-with-ack"]'], ["430[]"]],
  "a large acknowledgement id": [['429007199254740991["message-with-ack",1]'], ["439007199254740991[1]"]],
  "a binary event": [
    [`452-["message",${JSON.stringify(placeholder(0))},${JSON.stringify(placeholder(1))}]`, A, B],
    [`452-["message-back",${JSON.stringify(placeholder(0))},${JSON.stringify(placeholder(1))}]`, A, B],
  ],
  "a binary event with the bytes deep inside": [
    [`451-["message",{"list":[1,{"bytes":${JSON.stringify(placeholder(0))}}]},"end"]`, A],
    [`451-["message-back",{"list":[1,{"bytes":${JSON.stringify(placeholder(0))}}]},"end"]`, A],
  ],
  "a binary acknowledgement": [
    [`452-789["message-with-ack",${JSON.stringify(placeholder(0))},${JSON.stringify(placeholder(1))}]`, A, B],
    [`462-789[${JSON.stringify(placeholder(0))},${JSON.stringify(placeholder(1))}]`, A, B],
  ],
};

const asPolling = (message) => (Buffer.isBuffer(message) ? `b${message.toString("base64")}` : message);

for (const [name, [sent, answer]] of Object.entries(EXCHANGES)) {
  test(`WebSocket: ${name}`, async () => {
    const wire = await onWebSocket();
    wire.send(...sent);
    assert.deepEqual(await wire.take(answer.length), answer);
  });

  test(`polling: ${name}`, async () => {
    const session = await onPolling();
    await session.send(...sent.map(asPolling));
    assert.deepEqual(await session.receive(answer.length), answer.map(asPolling));
  });

  test(`another namespace: ${name}`, async () => {
    const wire = await onWebSocket("40/custom,");
    const named = (message) => (Buffer.isBuffer(message) ? message : message.replace(/^(4[2356](?:\d+-)?)/, "$1/custom,"));
    // The id of a plain packet follows its type digit at once; the namespace goes between.
    const inCustom = (message) => (/^4[23]\d/.test(message) ? message.replace(/^(4[23])/, "$1/custom,") : named(message));
    wire.send(...sent.map(inCustom));
    assert.deepEqual(await wire.take(answer.length), answer.map(inCustom));
  });
}

test("the attachments of one event may come in posts of their own", async () => {
  const session = await onPolling();
  await session.send(`451-["message",${JSON.stringify(placeholder(0))}]`);
  await session.send(asPolling(A));
  assert.deepEqual(await session.receive(2), [`451-["message-back",${JSON.stringify(placeholder(0))}]`, asPolling(A)]);
});

test("events of one connection are answered in their order", async () => {
  const wire = await onWebSocket();
  const numbers = Array.from({ length: 1_000 }, (_, i) => i);
  wire.send(...numbers.map((i) => (i % 2 === 0 ? `42["message",${i}]` : `42${i}["message-with-ack",${i}]`)));
  const expected = numbers.map((i) => (i % 2 === 0 ? `42["message-back",${i}]` : `43${i}[${i}]`));
  assert.deepEqual(await wire.take(numbers.length), expected);
});

test("unknown events, acknowledgements that nobody asked for, and an event that should be acknowledged but is not: no answer, no harm", async () => {
  const wire = await onWebSocket();
  wire.send('42["unknown",1]', '427["unknown",1]', "43999[1]", '42["message-with-ack","no id"]', '42["message","end"]');
  assert.equal(await wire.next(), '42["message-back","end"]');
});

const CLOSING = {
  "a connect packet of no JSON": ["4abc"],
  "an event that is no array": ["42{}"],
  "an event of no JSON": ['42abc["message"]'],
  "an event with no name": ["42[]"],
  "an event whose name is an object": ["42[{}]"],
  "an event with a name of the protocol's own": ['42["connect"]'],
  "an event with a broken end": ['42["message"'],
  "an unknown packet type": ["47"],
  "an empty packet": ["4"],
  "a second connect to one namespace": ["40"],
  "auth that is no object": ['40/custom,"text"'],
  "auth that is a list": ["40/custom,[]"],
  "a connect error from a client": ['44{"message":"x"}'],
  "an event to a namespace that is not connected": ['42/custom,["message","x"]'],
  "an acknowledgement that is no array": ['431{"a":1}'],
  "an acknowledgement of no array and no JSON": ["431abc"],
  "a disconnect with a body": ['41{"a":1}'],
  "a binary event without its count": ['45["message"]'],
  "a binary event with a count of no number": ['45x-["message"]'],
  "a text packet where an attachment is due": [`451-["message",${JSON.stringify(placeholder(0))}]`, '42["message"]'],
  "an attachment that nothing announced": [A],
  "a placeholder beyond the attachments": [`451-["message",${JSON.stringify(placeholder(5))}]`, A],
  "a placeholder below zero": [`451-["message",${JSON.stringify(placeholder(-1))}]`, A],
  "a placeholder that is no number": [`451-["message",${JSON.stringify(placeholder("x"))}]`, A],
};

for (const [name, messages] of Object.entries(CLOSING)) {
  test(`closes on ${name}`, async () => {
    const wire = await onWebSocket();
    wire.send(...messages);
    await wire.closed();
    assert.deepEqual(wire.arrived, [], "and nothing is answered");
  });
}

test("an event before any connect closes", async () => {
  const wire = await Wire.open(URL, SOCKET, { heartbeat: true });
  wire.send('42["message"]');
  await wire.closed(900);
});
