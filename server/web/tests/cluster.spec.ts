// The page that shows the deployment: on the real server, and on pictures of deployments that would take long to make.

import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './people';
import { Voice } from './seed';

const FOLDER = process.env.PICTURES ?? 'test-results/pictures';

/** Of the layout, as browsers score it; less than anybody sees. */
const SHIFT_MAX = 0.01;

test('the real server shows itself, live', async ({ server, visit }) => {
  const { page } = await visit();
  await page.goto('/cluster');
  await expect(page.getByRole('status')).toHaveText('All is well');
  const card = page.getByRole('listitem', { name: /^Server / });
  await expect(card).toHaveCount(1);
  await expect(card).toContainText('0 connections');
  await expect(page.getByText('the rooms are in the memory of this server')).toBeVisible();
  const ann = await Voice.enter(server.url, 'Ann', 'lobby');
  await expect(card).toContainText('1 connections');
  ann.close();
  await expect(card).toContainText('0 connections');
  await server.kill();
  await expect(page.getByRole('status')).toContainText('does not answer');
  await server.start();
  await expect(page.getByRole('status')).toHaveText('All is well');
});

test.describe('where it is not to be shown', () => {
  test.use({ flags: '--cluster-page=false' });
  test('neither the page nor its JSON can be had', async ({ server }) => {
    for (const path of ['/cluster', '/cluster.json', '/cluster.html']) {
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(404);
    }
  });
});

test('a shard that fails, and a server that drains, are said at once and in words', async ({ visit }) => {
  const { page } = await visit();
  let told: object = deployment();
  await page.route('**/cluster.json', (route) => route.fulfill({ json: told }));
  await page.goto('/cluster');
  await expect(page.getByRole('status')).toHaveText('All is well');
  await expect(page.getByRole('listitem', { name: /^Server .*serving/ })).toHaveCount(3);
  await expect(page.getByRole('listitem', { name: /^Shard .*replicated/ })).toHaveCount(3);
  told = failing();
  await expect(page.getByRole('status')).toHaveText(/^shard 2: failed, and \d more$/);
  await expect(page.getByRole('listitem', { name: 'Shard 2, failed' })).toContainText('127.0.0.1:7001');
  await expect(page.getByRole('listitem', { name: 'Server chat-1, draining' })).toBeVisible();
  told = deployment();
  await expect(page.getByRole('status')).toHaveText('All is well');
});

test('all of it can be reached with the keyboard, and a shard shows its slots', async ({ visit }) => {
  const { page } = await visit();
  await page.route('**/cluster.json', (route) => route.fulfill({ json: deployment() }));
  await page.goto('/cluster');
  const reached: (string | null)[] = [];
  await expect(page.getByRole('listitem', { name: 'Shard 3, replicated' })).toBeVisible();
  // Six, and the page itself where it scrolls; then it begins anew.
  while (reached.filter(Boolean).length < 6 && reached.length < 10) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? null));
    if (reached.at(-1) === 'Shard 2, replicated') {
      await expect(page.locator('svg [data-pointed=true]')).toHaveCount(1);
    }
  }
  expect(reached.filter(Boolean)).toEqual([
    'Server chat-0, serving',
    'Server chat-1, serving',
    'Server chat-2, serving',
    'Shard 1, replicated',
    'Shard 2, replicated',
    'Shard 3, replicated',
  ]);
});

test('nothing moves when numbers do', async ({ visit }) => {
  const { page } = await visit();
  await page.addInitScript(() => {
    const seen = { shift: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  let asked = 0;
  await page.route('**/cluster.json', (route) => {
    asked += 1;
    return route.fulfill({ json: deployment(asked ** 5) });
  });
  await page.goto('/cluster');
  await expect.poll(() => asked).toBeGreaterThan(5);
  expect(await page.evaluate(() => (window as unknown as { seen: { shift: number } }).seen.shift)).toBeLessThanOrEqual(
    SHIFT_MAX,
  );
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`pictures, ${colorScheme}`, async ({ visit }) => {
    const { page } = await visit({ colorScheme, viewport: { width: 1280, height: 940 } });
    await page.route('**/cluster.json', (route) => route.fulfill({ json: failing() }));
    await page.goto('/cluster');
    await expect(page.getByRole('listitem', { name: 'Shard 3, replicated' })).toBeVisible();
    await expectAccessible(page);
    await picture(page, colorScheme === 'light' ? 'cluster' : 'cluster-dark');
  });
}

test('pictures, narrow', async ({ visit }) => {
  const { page } = await visit({ viewport: { width: 360, height: 780 }, deviceScaleFactor: 2 });
  await page.route('**/cluster.json', (route) => route.fulfill({ json: failing() }));
  await page.goto('/cluster');
  await expect(page.getByRole('listitem', { name: 'Shard 3, replicated' })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await expectAccessible(page);
  await picture(page, 'cluster-narrow');
});

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
}

const PROCESSES = [7000, 7001, 7002, 7003, 7004, 7005].map((port) => ({
  address: `127.0.0.1:${port}`,
  health: 'online',
}));

/** Three servers and six processes, all well. */
function deployment(more = 0) {
  const servers = [412, 396, 405].map((connections, n) => ({
    node: `chat-${n}`,
    boot: `${n}f3a9c04be17d25${n}`,
    address: `10.0.3.${n + 11}:3001`,
    build: '0.1.0',
    started_at: Date.now() - (n + 2) * 7_300_000,
    state: 'serving',
    connections: connections * 10 + more,
    connections_max: 10_000,
    rooms: 1_000 - n,
    rates: { sends: 166.4 + n + more, deliveries: 1_610.2 - n + more, accepts: 0.4 },
    age_ms: 300 + 500 * n,
    lines: {
      connections: wave(60, connections * 10, 260, n),
      sends: wave(60, 166, 30, n),
      deliveries: wave(60, 1_600, 420, n + 3),
    },
  }));
  const shards = [0, 1, 2].map((n) => ({
    slots: [[Math.ceil((n * 16_384) / 3), Math.ceil(((n + 1) * 16_384) / 3) - 1]],
    master: PROCESSES[n],
    replicas: [PROCESSES[n + 3]],
  }));
  return {
    node: 'chat-0',
    registry_age_ms: 400,
    sample_ms: 5_000,
    servers,
    redis: { epoch: 6, slots_uncovered: 0, shards, aside: [] as object[] },
  };
}

/** One master has failed, one server drains, one process was failed over and is not back. */
function failing() {
  const { servers, redis, ...rest } = deployment();
  return {
    ...rest,
    servers: servers.map((server, n) => {
      if (n !== 1) return server;
      const connections = server.lines.connections.map((value, i) => Math.round(value * Math.min(1, (66 - i) / 30)));
      return { ...server, state: 'draining', connections: connections.at(-1), lines: { ...server.lines, connections } };
    }),
    redis: {
      ...redis,
      shards: redis.shards.map((shard, n) => {
        if (n === 0) return { ...shard, replicas: [] };
        return n === 1 ? { ...shard, master: { ...shard.master, health: 'failed' } } : shard;
      }),
      aside: [{ address: '127.0.0.1:7003', health: 'failed' }],
    },
  };
}

/** A line that looks lived in, the same each time. */
function wave(samples: number, middle: number, swing: number, phase: number): number[] {
  return Array.from({ length: samples }, (_, i) =>
    Math.round(middle + swing * (Math.sin(i / 7 + phase) * 0.6 + Math.sin(i / 2.3 + 2 * phase) * 0.25)),
  );
}
