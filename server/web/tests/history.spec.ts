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
  await expect(list).toHaveAttribute('aria-busy', 'false');

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

test('what one looks at keeps its place while others write', async ({ server, enter }) => {
  const grace = await Voice.enter(server.url, 'Grace', 'busy');
  await grace.sayAll(Array.from({ length: 400 }, (_, i) => `message ${i} ${'and more '.repeat(i % 17)}`));
  const ada = await enter('Ada', 'busy');
  const list = ada.page.getByRole('region', { name: 'Messages in busy' });
  await expect(ada.message('message 399 ')).toBeInViewport();
  await expect(list).toHaveAttribute('aria-busy', 'false');
  await expect(ada.page).toHaveTitle(/^#busy/);
  await list.evaluate((scroller) => scroller.scrollBy(0, -900));
  await expect(ada.page.getByRole('button', { name: 'Latest' })).toBeVisible();
  /** The row in the middle, once older pages have come and been measured: when nothing has moved for so many frames. */
  const place = () =>
    list.evaluate(async (scroller) => {
      const look = () => {
        const box = scroller.getBoundingClientRect();
        const row = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)?.closest('article');
        return { text: /message \d+/.exec(row?.textContent ?? '')?.[0], top: row?.getBoundingClientRect().top ?? 0 };
      };
      const deadline = performance.now() + 10_000;
      let [last, still] = [look(), 0];
      while (still < 60 && performance.now() < deadline) {
        await new Promise(requestAnimationFrame);
        const now = look();
        still = now.text === last.text && now.top === last.top ? still + 1 : 0;
        last = now;
      }
      return last;
    });
  const before = await place();
  expect(before.text).toBeDefined();
  for (let i = 0; i < 20; i += 1) await grace.say(`written meanwhile ${i}`);
  await expect(ada.page.getByRole('button', { name: '20 new' })).toBeVisible();
  const after = await place();
  expect(after.text).toBe(before.text);
  expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(8);
  await ada.page.getByRole('button', { name: '20 new' }).click();
  await expect(ada.message('written meanwhile 19')).toBeInViewport();
  grace.close();
});
