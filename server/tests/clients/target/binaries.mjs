// Where the programs under test are: what `make` built, or what the environment names.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The path of a built binary, e.g. `chat-server` or `examples/conformance`; throws with what to do when it is not there. */
export function binary(name, variable, build) {
  if (process.env[variable]) return process.env[variable];
  const cache = process.env.CHATCLUSTER_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "chatcluster");
  const path = join(process.env.CARGO_TARGET_DIR ?? join(cache, "target"), "debug", name);
  if (!existsSync(path)) throw new Error(`${path} is not there: build it with \`${build}\`, or name another in ${variable}`);
  return path;
}
