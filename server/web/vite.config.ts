import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { pack } from './build/pack.ts';

export default defineConfig({
  plugins: [react(), pack()],
  build: {
    target: 'es2023',
    // The server sends a policy that allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'cluster.html'] },
  },
  server: {
    proxy: {
      '/cluster.json': process.env.CHAT_SERVER ?? 'http://127.0.0.1:3000',
      '/socket.io': { target: process.env.CHAT_SERVER ?? 'http://127.0.0.1:3000', ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
