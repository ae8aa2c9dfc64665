import { expect, test } from './people';
import { Voice } from './seed';

/** So many rows may be in the document, whatever the room holds. */
const ROWS_MAX = 200;

const MESSAGES = 10_000;

test.use({ flags: '--send-burst 100000 --send-per-second 100000 --requests-per-second 1000' });

test('a room of 10,000 messages', async ({ server, enter }) => {
  test.setTimeout(240_000);
  const grace = await Voice.enter(server.url, 'Grace', 'busy');
  await grace.sayAll(Array.from({ length: MESSAGES }, (_, i) => `message ${i} ${'and more '.repeat(i % 17)}`));
  const ada = await enter('Ada', 'busy');
  const { page } = ada;
  const list = page.getByRole('region', { name: 'Messages in busy' });
  await expect(ada.message(`message ${MESSAGES - 1} `)).toBeInViewport();

  // All the way up: pages come by themselves, the document stays small, and no frame is blank.
  const seen = await list.evaluate(
    async (scroller, { last }) => {
      const frame = () => new Promise(requestAnimationFrame);
      let rows = 0;
      let blank = 0;
      const deadline = performance.now() + 180_000;
      const oldest = () => /message (\d+) /.exec(scroller.querySelector('article')?.textContent ?? '')?.[1];
      while (performance.now() < deadline && oldest() !== last) {
        scroller.scrollBy(0, -600);
        await frame();
        await frame();
        rows = Math.max(rows, scroller.querySelectorAll('article').length);
        const box = scroller.getBoundingClientRect();
        const middle = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        if (!middle?.closest('[data-index]')) blank += 1;
      }
      return { rows, blank, oldest: oldest() };
    },
    { last: '0' },
  );
  expect(seen.oldest).toBe('0');
  expect(seen.rows).toBeLessThanOrEqual(ROWS_MAX);
  expect(seen.blank).toBe(0);
  await expect(page.getByText('This is where #busy begins')).toBeVisible();
  grace.close();
});

test('what one looks at keeps its place while others write and older pages come', async ({ server, enter }) => {
  const grace = await Voice.enter(server.url, 'Grace', 'busy');
  await grace.sayAll(Array.from({ length: 400 }, (_, i) => `message ${i} ${'and more '.repeat(i % 17)}`));
  const ada = await enter('Ada', 'busy');
  const list = ada.page.getByRole('region', { name: 'Messages in busy' });
  await expect(ada.message('message 399 ')).toBeInViewport();
  await expect(ada.page).toHaveTitle(/^#busy/);
  await list.evaluate((scroller) => scroller.scrollBy(0, -900));
  await expect(ada.page.getByRole('button', { name: 'Latest' })).toBeVisible();
  const place = () =>
    list.evaluate((scroller) => {
      const box = scroller.getBoundingClientRect();
      const row = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)?.closest('article');
      const text = /message \d+/.exec(row?.textContent ?? '')?.[0];
      return { text, top: Math.round((row?.getBoundingClientRect().top ?? 0) / 4) };
    });
  await expect.poll(async () => JSON.stringify(await place()) === JSON.stringify(await place())).toBe(true);
  const before = await place();
  expect(before.text).toBeDefined();
  for (let i = 0; i < 20; i += 1) await grace.say(`written meanwhile ${i}`);
  await expect(ada.page.getByRole('button', { name: '20 new' })).toBeVisible();
  expect(await place()).toEqual(before);
  await ada.page.getByRole('button', { name: '20 new' }).click();
  await expect(ada.message('written meanwhile 19')).toBeInViewport();
  grace.close();
});
