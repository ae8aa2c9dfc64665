import { expect, test } from './people';

/** On loopback with a processor four times slower, in milliseconds. */
const PAINT_MS_MAX = 1_500;
const INTERACTIVE_MS_MAX = 2_500;

test('the first visit is fast, and nothing moves while it loads', async ({ visit }) => {
  const { page } = await visit();
  const slow = await page.context().newCDPSession(page);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: 4 });
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
  await page.goto('/#/general');
  await page.getByLabel('Your name').fill('Ada');
  await expect(page.getByRole('button', { name: 'Join the room' })).toBeEnabled();
  const { paint, interactive, shift } = await page.evaluate(() => {
    const { sums } = window as unknown as { sums: { shift: number; longTask: number } };
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity;
    return { paint, interactive: Math.max(paint, sums.longTask), shift: sums.shift };
  });
  console.log(
    `first contentful paint ${paint.toFixed(0)} ms, interactive ${interactive.toFixed(0)} ms, shift ${shift}`,
  );
  expect(paint).toBeLessThanOrEqual(PAINT_MS_MAX);
  expect(interactive).toBeLessThanOrEqual(INTERACTIVE_MS_MAX);
  expect(shift).toBeLessThanOrEqual(0.01);

  await page.keyboard.press('Enter');
  await expect(page.getByText('This is where #general begins')).toBeVisible();
  await page.reload();
  await expect(page.getByText('This is where #general begins')).toBeVisible();
  const again = await page.evaluate(() => (window as unknown as { sums: { shift: number } }).sums.shift);
  expect(again).toBeLessThanOrEqual(0.01);
});
