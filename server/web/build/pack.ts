// After the build: a .br and a .gz beside every file that gets smaller by it, so that the server only has to serve
// them, and a limit on what a first load costs.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Script of the first load as most proxies and browsers see it (gzip), in bytes. */
const SCRIPT_BYTES_MAX = 180_000;

const COMPRESSIBLE = /\.(?:js|css|html|svg|json)$/;

export function pack(): Plugin {
  let folder = 'dist';
  return {
    name: 'pack',
    apply: 'build',
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle: {
      sequential: true,
      handler() {
        const sizes = new Map<string, Size>();
        for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
          const path = join(folder, name);
          if (!COMPRESSIBLE.test(name) || !statSync(path).isFile()) continue;
          const raw = readFileSync(path);
          const br = brotliCompressSync(raw, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
          });
          const gz = gzipSync(raw, { level: 9 });
          if (br.length < raw.length) writeFileSync(`${path}.br`, br);
          if (gz.length < raw.length) writeFileSync(`${path}.gz`, gz);
          sizes.set(name, { raw: raw.length, br: br.length, gz: gz.length });
        }
        for (const page of readdirSync(folder).filter((name) => name.endsWith('.html'))) {
          weigh(page, scriptsOf(folder, page), sizes);
        }
      },
    },
  };
}

interface Size {
  readonly raw: number;
  readonly br: number;
  readonly gz: number;
}

/** The scripts that a page names, those that these name, and so on: all that a visit may load. */
function scriptsOf(folder: string, page: string): ReadonlySet<string> {
  const scripts = new Set<string>();
  const look = (file: string) => {
    for (const [name] of readFileSync(join(folder, file), 'utf8').matchAll(/[\w-]+\.js\b/g)) {
      const script = join('assets', name);
      if (scripts.has(script) || !existsSync(join(folder, script))) continue;
      scripts.add(script);
      look(script);
    }
  };
  look(page);
  return scripts;
}

function weigh(page: string, scripts: ReadonlySet<string>, sizes: ReadonlyMap<string, Size>): void {
  const sum = (of: (size: Size) => number) =>
    [...scripts].reduce((all, script) => {
      const size = sizes.get(script);
      if (!size) throw new Error(`${page} loads ${script}, which was not built`);
      return all + of(size);
    }, 0);
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1);
  const gz = sum((size) => size.gz);
  console.log(
    `${page}: script ${kilobytes(sum((size) => size.raw))} KB, gzip ${kilobytes(gz)} KB, brotli ` +
      `${kilobytes(sum((size) => size.br))} KB (limit: ${kilobytes(SCRIPT_BYTES_MAX)} KB gzip)`,
  );
  if (scripts.size === 0) throw new Error(`${page} loads no script`);
  if (gz > SCRIPT_BYTES_MAX) throw new Error(`${page} has more script than a first load may cost`);
}
