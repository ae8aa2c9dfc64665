import type { Page } from '@playwright/test';
import { expect, test } from './people';

/** On loopback with a processor four times slower, in milliseconds. */
const PAINT_MS_MAX = 1_500;
const INTERACTIVE_MS_MAX = 2_500;

/** Of the layout, as browsers score it; less than anybody sees. */
const SHIFT_MAX = 0.01;

/** The machine may be busy with other things: the page is as fast as its best visit, and this is how long one is waited for. */
const WITHIN_MS = 120_000;

test('the first visit is fast, and nothing moves meanwhile', async ({ visit }) => {
  test.setTimeout(WITHIN_MS + 30_000);
  let shifted = 0;
  await expect(async () => {
    const { page } = await visit();
    const { paint, interactive, shift } = await firstVisit(page);
    await page.close();
    console.log(
      `first contentful paint ${paint.toFixed(0)} ms, interactive ${interactive.toFixed(0)} ms, shift ${shift}`,
    );
    shifted = Math.max(shifted, shift);
    expect(paint).toBeLessThanOrEqual(PAINT_MS_MAX);
    expect(interactive).toBeLessThanOrEqual(INTERACTIVE_MS_MAX);
  }).toPass({ timeout: WITHIN_MS });
  expect(shifted).toBeLessThanOrEqual(SHIFT_MAX);
});

test('nothing moves while a room loads', async ({ enter }) => {
  const { page } = await enter('Ada', 'general');
  await watch(page);
  await page.reload();
  await expect(page.getByText('This is where #general begins')).toBeVisible();
  expect(await page.evaluate(() => (window as unknown as Watched).sums.shift)).toBeLessThanOrEqual(SHIFT_MAX);
});

interface Watched {
  readonly sums: { shift: number; longTask: number };
}

async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const sums = { shift: 0, longTask: 0 };
    Object.assign(window, { sums });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) sums.shift += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) sums.longTask = Math.max(sums.longTask, entry.startTime + entry.duration);
    }).observe({ type: 'longtask', buffered: true });
  });
}

async function firstVisit(page: Page): Promise<{ paint: number; interactive: number; shift: number }> {
  const slow = await page.context().newCDPSession(page);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await watch(page);
  await page.goto('/#/general');
  await page.getByLabel('Your name').fill('Ada');
  await expect(page.getByRole('button', { name: 'Join the room' })).toBeEnabled();
  return page.evaluate(() => {
    const { sums } = window as unknown as Watched;
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity;
    return { paint, interactive: Math.max(paint, sums.longTask), shift: sums.shift };
  });
}
