// Runs suites of stock clients and raw sockets against a program that it starts, or (--url) a server that is there already.
//   node run.mjs                                       every suite
//   node run.mjs conformance [--reference] [--url URL] [--only js|python] [--match REGEX]
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startConformance } from "./target/conformance.mjs";
import { startChatForSuite } from "./target/chat.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
/** What each suite needs running: `{env, stop}`. Suites that break servers start their own. */
const SUITES = {
  conformance: startConformance,
  chat: startChatForSuite,
  recovery: startChatForSuite,
  hostile: async () => ({ env: {}, stop: async () => {} }),
};
/** For one file of tests. Storms last as long as they are told to. */
const FILE_MS_MAX = 240_000 + 6_000 * Number(process.env.RECOVERY_SECONDS ?? 10);

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    reference: { type: "boolean", default: false },
    url: { type: "string" },
    only: { type: "string" },
    match: { type: "string" },
  },
});

function run(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: HERE, stdio: "inherit", env: { ...process.env, ...env } });
    process.once("exit", () => child.kill("SIGTERM"));
    child.on("exit", (code) => resolve(code ?? 1));
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
  });
}

/** The interpreter that has requirements.txt: `make` names it, else the one in the cache folder. */
function python() {
  const cache = process.env.CHATCLUSTER_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "chatcluster");
  return process.env.CHATCLUSTER_PYTHON ?? join(cache, "venv", "bin", "python");
}

async function runSuite(suite) {
  const files = readdirSync(join(HERE, suite)).filter((file) => file.endsWith(".test.mjs")).sort();
  const target = await SUITES[suite]({ ...flags, suite });
  try {
    let failed = 0;
    if (flags.only !== "python" && files.length > 0) {
      const match = flags.match ? [`--test-name-pattern=${flags.match}`] : [];
      const options = ["--test", "--test-concurrency=1", `--test-timeout=${FILE_MS_MAX}`, "--test-reporter=spec", ...match];
      failed += await run(process.execPath, [...options, ...files.map((file) => join(suite, file))], target.env);
    }
    if (flags.only !== "js" && existsSync(join(HERE, suite, "python"))) {
      const match = flags.match ? ["-k", flags.match] : [];
      const options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--timeout=${FILE_MS_MAX / 1000}`, ...match];
      failed += await run(python(), [...options, join(suite, "python")], { ...target.env, PYTHONDONTWRITEBYTECODE: "1" });
    }
    return failed === 0;
  } finally {
    await target.stop();
  }
}

const suites = positionals.length > 0 ? positionals : Object.keys(SUITES);
const unknown = suites.filter((suite) => !(suite in SUITES));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(", ")}; there are ${Object.keys(SUITES).join(", ")}`);
  process.exit(2);
}
for (const suite of suites) {
  console.log(`\n== ${suite}`);
  if (!(await runSuite(suite))) {
    console.error(`${suite} failed; again with: npm test -- ${suite}   (in server/tests/clients)`);
    process.exit(1);
  }
}
