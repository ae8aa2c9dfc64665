// The chat server under test, on free ports, with what tests need known: its secret, its ports, its metrics.
import { binary } from "./binaries.mjs";
import { Program, freePort } from "./program.mjs";

/** HS256 secret that the tests sign their tokens with. */
export const JWT_SECRET = "a-secret-that-only-tests-know-0123456789";
const SIGNING_KEY = "another-secret-that-only-tests-know-0123456789";

/** A running chat server: `url` for clients, `metricsUrl` for scraping. */
export class ChatServer {
  /** `settings` are flags without their dashes; ports already chosen can be given, so that a restarted server keeps its address. */
  static async start(settings = {}, ports = {}) {
    const { listen = await freePort(), internal = await freePort(), metrics = await freePort() } = ports;
    const server = new ChatServer();
    server.settings = settings;
    server.ports = { listen, internal, metrics };
    server.url = `http://127.0.0.1:${listen}`;
    server.metricsUrl = `http://127.0.0.1:${metrics}/metrics`;
    const flags = {
      listen: `127.0.0.1:${listen}`,
      "internal-listen": `127.0.0.1:${internal}`,
      "metrics-listen": `127.0.0.1:${metrics}`,
      "signing-key": SIGNING_KEY,
      "jwt-secret": JWT_SECRET,
      "drain-accept": "0s", // so that tests end when they are done
      "drain-deadline": "1s",
      ...settings,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    server.program = new Program(binary("chat-server", "TARGET_SERVER_BIN", "cargo build -p chat-server"), args);
    await server.program.answers(`http://127.0.0.1:${metrics}/readyz`);
    return server;
  }

  get running() {
    return this.program.running;
  }

  /** All samples of `/metrics`: name with labels -> number. */
  async metrics() {
    const text = await (await fetch(this.metricsUrl)).text();
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
  }

  stop() {
    return this.program.stop();
  }

  kill() {
    return this.program.kill();
  }
}

/** Limits wide enough for tests that do in a second what people do in an hour. */
const WIDE = { "send-per-second": 10_000, "send-burst": 10_000, "typing-per-second": 1_000, "requests-per-second": 10_000 };

/** For storms: pings often, so that checkpoints happen; a client comes back long before its old connection is found dead. */
export const STORMY = { ...WIDE, "ping-interval": "300ms", "ping-timeout": "2s" };

/** What the suites' one server is told; `chat` tests the limit of sending itself. */
const SETTINGS = { chat: { "typing-per-second": WIDE["typing-per-second"] }, recovery: STORMY };

/** For the runner: one server for the suite, named in the environment. */
export async function startChatForSuite({ url, suite }) {
  if (url) return { env: { TARGET_URL: url }, stop: async () => {} };
  const server = await ChatServer.start(SETTINGS[suite]);
  return { env: { TARGET_URL: server.url, TARGET_METRICS_URL: server.metricsUrl, TARGET_JWT_SECRET: JWT_SECRET }, stop: () => server.stop() };
}
