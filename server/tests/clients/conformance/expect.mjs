// What the suite knows of the server under test: where it is, what it was started with, and whether it is the stock server.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Wire } from "../wire/websocket.mjs";

afterEach(() => Wire.endAll());

/** Tight heartbeats, for the tests of the wire. */
export const URL_TIGHT = process.env.CONFORMANCE_URL ?? "http://127.0.0.1:3000";
/** Patient heartbeats, for stock clients: on a busy machine they may be late, which is not what is tested. */
export const URL_PATIENT = process.env.CONFORMANCE_PATIENT_URL ?? URL_TIGHT;

export const PING_INTERVAL_MS = Number(process.env.CONFORMANCE_PING_INTERVAL ?? 300);
export const PING_TIMEOUT_MS = Number(process.env.CONFORMANCE_PING_TIMEOUT ?? 200);
export const MAX_PAYLOAD_BYTES = Number(process.env.CONFORMANCE_MAX_PAYLOAD ?? 1_000_000);

export const ENGINE = "/engine.io/";
export const SOCKET = "/socket.io/";

const REFERENCE = process.env.CONFORMANCE_REFERENCE === "1";

/**
 * A test of something that we demand and the stock server does not do; `why` says what it is good for. Run against the
 * stock server it must fail: this shows both that it is stricter and that it can fail.
 */
export function stricter(name, why, body) {
  test(`${name} (stricter: ${why})`, async (context) => {
    if (!REFERENCE) return body(context);
    await assert.rejects(async () => body(context), "the stock server passes: this test is not stricter");
  });
}
