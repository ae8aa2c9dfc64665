// After the build: a .br and a .gz beside every file that gets smaller by it, so that the server only has to serve
// them, and a limit on what a first load costs.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
        let script = { raw: 0, br: 0, gz: 0 };
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
          if (name.endsWith('.js')) {
            script = { raw: script.raw + raw.length, br: script.br + br.length, gz: script.gz + gz.length };
          }
        }
        const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1);
        console.log(
          `script: ${kilobytes(script.raw)} KB, gzip ${kilobytes(script.gz)} KB, brotli ${kilobytes(script.br)} KB` +
            ` (limit: ${kilobytes(SCRIPT_BYTES_MAX)} KB gzip)`,
        );
        if (script.gz > SCRIPT_BYTES_MAX) throw new Error('the page has more script than a first load may cost');
      },
    },
  };
}
