// Pictures of every state, to be looked at. `npm run pictures` writes them to docs/pictures.

import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test, type Person } from './people';
import { Voice } from './seed';

test.use({ viewport: { width: 1280, height: 880 } });

const FOLDER = process.env.PICTURES ?? 'test-results/pictures';

async function picture(page: Page, name: string, pointed = false): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  if (!pointed) await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
}

/** A morning in a team, told by stock clients; the last word is left to `ada`. */
async function morning(url: string, ada: Person): Promise<Voice> {
  const grace = await Voice.enter(url, 'Grace', 'release');
  const noor = await Voice.enter(url, 'Noor', 'release');
  const mei = await Voice.enter(url, 'Mei Lin', 'release');
  await grace.say('Morning all. The canary ran through the night: no closes but the planned ones.');
  const numbers = await grace.say('Numbers are here: https://status.example.org/canary/118');
  await noor.react(numbers, '👀');
  await mei.react(numbers, '👀');
  await noor.say('Reading. The second drain looks slower than the first, is that the new pace?');
  const question = await mei.say('It is. 200 a second instead of 500, so that nobody’s battery notices.');
  await grace.react(question, '👍');
  await noor.react(question, '👍');
  await ada.say('Then I would start with the small region, and take the rest after lunch.');
  await expect(ada.message('small region')).toHaveCount(1);
  await noor.say('Agreed. I’ll watch the dashboards until then.', { reply_to: numbers });
  const draft = await mei.say(
    'Release notes are readu:\n· recovery after a cut link takes one round trip\n· rooms say how many are here',
  );
  await mei.edit(
    draft,
    'Release notes are ready:\n· recovery after a cut link takes one round trip\n· rooms say how many are here',
  );
  await grace.react(draft, '🎉');
  await mei.react(draft, '🎉');
  await ada.say('Lovely. Rolling at ten.');
  await expect(ada.message('Rolling at ten')).toHaveCount(1);
  grace.type();
  noor.close();
  return grace;
}

async function busy(url: string, ada: Person): Promise<Voice> {
  const other = await Voice.enter(url, 'Tomás', 'kitchen');
  await other.say('There is cake.');
  const lobby = await Voice.enter(url, 'Ines', 'design');
  await lobby.say('New icons are in.');
  const { page } = ada;
  for (const room of ['kitchen', 'design']) {
    await page.goto(`${ada.link.url}/#/${room}`);
    await expect(page.getByRole('article').first()).toBeVisible();
    await expect(page).toHaveTitle(new RegExp(`^#${room}`));
  }
  await page.goto(`${ada.link.url}/#/release`);
  await expect(page.getByRole('region', { name: 'Messages in release' })).toBeVisible();
  const grace = await morning(url, ada);
  await other.sayAll(['Still some left.', 'Hurry.', 'One piece now.']);
  await expect(page).toHaveTitle(/^\(3\)/);
  return grace;
}

test('first visit', async ({ visit }) => {
  const { page } = await visit();
  await page.goto('/');
  await expect(page.getByLabel('Your name')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'first-visit');
});

test('rooms', async ({ server, visit }) => {
  for (const [name, room] of [
    ['Grace', 'release'],
    ['Noor', 'release'],
    ['Tomás', 'kitchen'],
    ['Ines', 'design'],
  ] as const) {
    await (await Voice.enter(server.url, name, room)).say('hello');
  }
  const { page } = await visit();
  await page.goto('/');
  await page.getByLabel('Your name').fill('Ada');
  await page.keyboard.press('Enter');
  await expect(page.getByText('More rooms on this server')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'rooms');
});

test('empty room', async ({ enter }) => {
  const { page } = await enter('Ada', 'general');
  await expect(page.getByText('This is where #general begins')).toBeVisible();
  await expectAccessible(page);
  await picture(page, 'empty-room');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`busy room, ${colorScheme}`, async ({ server, enter }) => {
    const ada = await enter('Ada', 'release', { colorScheme, viewport: { width: 1280, height: 880 } });
    await busy(server.url, ada);
    await ada.message('Release notes').hover();
    await expectAccessible(ada.page);
    await picture(ada.page, colorScheme === 'light' ? 'busy' : 'busy-dark', true);
    await ada.page.getByRole('button', { name: /^People/ }).click();
    await expectAccessible(ada.page);
    await picture(ada.page, colorScheme === 'light' ? 'people' : 'people-dark');
  });
}

test('narrow', async ({ server, enter }) => {
  const ada = await enter('Ada', 'release', {
    viewport: { width: 320, height: 640 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  });
  await busy(server.url, ada);
  await expectAccessible(ada.page);
  await picture(ada.page, 'narrow-room');
  await ada.page.getByRole('link', { name: 'All rooms' }).click();
  await expect(ada.page.getByRole('heading', { name: 'Your rooms' })).toBeVisible();
  await expectAccessible(ada.page);
  await picture(ada.page, 'narrow-rooms');
});

test('4K', async ({ server, enter }) => {
  const ada = await enter('Ada', 'release', { viewport: { width: 3840, height: 2160 } });
  await busy(server.url, ada);
  await expectAccessible(ada.page);
  await picture(ada.page, 'wide-room');
});

test('offline, recovering, gap', async ({ server, enter }) => {
  const ada = await enter('Ada', 'release', { viewport: { width: 1280, height: 880 } });
  await morning(server.url, ada);
  await server.kill();
  await expect(ada.page.getByText('Offline.', { exact: true })).toBeVisible();
  await ada.say('I am on the train, this will arrive later.');
  await expect(ada.page.getByText('Waiting to be sent')).toBeVisible();
  await expectAccessible(ada.page);
  await picture(ada.page, 'offline');
  ada.link.slow(1_500);
  await server.start();
  await ada.page.getByRole('button', { name: 'Try now' }).click();
  await expect(ada.page.getByText(/Catching up with what you missed/)).toBeVisible();
  await expectAccessible(ada.page);
  await picture(ada.page, 'recovering');
  ada.link.slow(0);
  await expect(ada.page.getByText(/started this room anew/)).toBeVisible();
  await expect(ada.page.getByText('Waiting to be sent')).toHaveCount(0);
  await expect(ada.page.getByText('Connected')).toBeVisible();
  await expectAccessible(ada.page);
  await picture(ada.page, 'gap');
});
