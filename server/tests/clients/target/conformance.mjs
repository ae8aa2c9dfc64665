// The conformance server twice: with tight heartbeats for the tests of the wire, with patient ones for stock clients.
import { fileURLToPath } from "node:url";
import { binary } from "./binaries.mjs";
import { Program, freePort } from "./program.mjs";

const PING_INTERVAL_MS = 300;
const PING_TIMEOUT_TIGHT_MS = 200;
const PING_TIMEOUT_PATIENT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1_000_000;

async function start(pingTimeout, reference) {
  const listen = `127.0.0.1:${await freePort()}`;
  const flags = { "--listen": listen, "--ping-interval": PING_INTERVAL_MS, "--ping-timeout": pingTimeout, "--max-payload": MAX_PAYLOAD_BYTES };
  const args = Object.entries(flags).flat().map(String);
  const program = reference
    ? new Program(process.execPath, [fileURLToPath(new URL("../conformance/reference.mjs", import.meta.url)), ...args])
    : new Program(binary("examples/conformance", "TARGET_CONFORMANCE_BIN", "cargo build -p chat-socket --example conformance"), args);
  const url = `http://${listen}`;
  await program.answers(`${url}/engine.io/`);
  return { program, url };
}

/** Starts both (or takes the server at `url`) and returns the environment that the tests read. */
export async function startConformance({ reference, url }) {
  const settings = {
    CONFORMANCE_PING_INTERVAL: String(PING_INTERVAL_MS),
    CONFORMANCE_PING_TIMEOUT: String(PING_TIMEOUT_TIGHT_MS),
    CONFORMANCE_MAX_PAYLOAD: String(MAX_PAYLOAD_BYTES),
    CONFORMANCE_REFERENCE: reference ? "1" : "0",
  };
  if (url) return { env: { ...settings, CONFORMANCE_URL: url }, stop: async () => {} };
  const tight = await start(PING_TIMEOUT_TIGHT_MS, reference);
  const patient = await start(PING_TIMEOUT_PATIENT_MS, reference);
  return {
    env: { ...settings, CONFORMANCE_URL: tight.url, CONFORMANCE_PATIENT_URL: patient.url },
    stop: async () => {
      await Promise.all([tight.program.stop(), patient.program.stop()]);
    },
  };
}
