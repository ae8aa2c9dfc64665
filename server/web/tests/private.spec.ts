// Rooms for members alone: made, shared, ruled and left, from the keyboard and in the dark.

import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test, type Person } from './people';

const FOLDER = process.env.PICTURES ?? 'test-results/pictures';

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
}

/** Makes a private room by the plus, without a mouse. */
async function make(person: Person, title: string): Promise<void> {
  const { page } = person;
  await page.getByRole('button', { name: 'Open a room' }).press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('checkbox', { name: /^Private/ }).press('Space');
  await dialog.getByLabel('Title of the room').fill(title);
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(title);
  await expect(page.getByText(`This is where ${title} begins`)).toBeVisible();
}

const people = (person: Person) => person.page.getByRole('complementary', { name: 'People in this room' });

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a private room from its first to its last day, ${colorScheme}`, async ({ enter }) => {
    const options = { colorScheme, viewport: { width: 1280, height: 800 } };
    const ada = await enter('Ada', 'general', options);
    const grace = await enter('Grace', 'general', options);
    await expect(ada.page.getByRole('button', { name: 'People: 2 online' })).toBeVisible();
    await make(ada, 'Surprise party');
    await ada.say('Not a word to Noor.');

    // Whom one sees in another room can be picked, and is in at once.
    await ada.page.getByRole('button', { name: /^People/ }).press('Enter');
    await expect(people(ada)).toContainText('Ada');
    await expect(people(ada)).toContainText('owner');
    await people(ada).getByLabel('Invite', { exact: true }).selectOption('Grace');
    await people(ada).getByLabel('As').selectOption('reader');
    await people(ada).getByRole('button', { name: 'Invite' }).press('Enter');
    await expect(ada.page.getByText(/invited Grace as reader/)).toBeVisible();
    const link = grace.page.getByRole('link', { name: /Surprise party/ });
    await expect(link).toBeVisible();
    await ada.say('Cake or pie?');
    await expect(link).toContainText('unread');
    await link.click();
    await expect(grace.message('Cake or pie?')).toBeVisible();
    await expect(grace.page.getByText('You may read here.')).toBeVisible();
    await expect(grace.field).toHaveCount(0);
    await expectAccessible(ada.page);
    await expectAccessible(grace.page);
    await picture(ada.page, colorScheme === 'light' ? 'private' : 'private-dark');

    // Another role, and she may write.
    await people(ada).getByLabel('What Grace may do').selectOption('member');
    await expect(grace.field).toBeVisible();
    await grace.say('Pie!');
    await expect(ada.message('Pie!')).toContainText('Grace');
    await grace.page.getByRole('button', { name: /^People/ }).click();
    await expect(people(grace)).toContainText('owner');
    await expect(people(grace).getByRole('button', { name: /^Remove/ })).toHaveCount(0);
    await expect(people(grace).getByLabel('Invite', { exact: true })).toHaveCount(0);
    // Nobody goes who would leave the room without an owner.
    await ada.page.getByRole('button', { name: 'More about this room' }).click();
    await ada.page.getByRole('menuitem', { name: 'Leave for good' }).click();
    await expect(ada.page.getByText(/needs an owner/)).toBeVisible();

    await people(ada).getByRole('button', { name: 'Remove Grace' }).press('Enter');
    await expect(ada.page.getByText(/removed Grace/)).toBeVisible();
    await expect(grace.page.getByRole('alert')).toContainText('no longer a member');
    await expectAccessible(grace.page);
    await grace.page.getByRole('button', { name: 'Choose another room' }).click();
    await expect(grace.page.getByRole('link', { name: /Surprise party/ })).toHaveCount(0);
    await ada.page.reload();
    await expect(ada.message('Pie!')).toBeVisible();
    await expect(ada.page.getByRole('heading', { level: 1 })).toContainText('Surprise party');
  });
}

test('a word to one person alone', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await ada.page.getByRole('button', { name: 'People: 2 online' }).click();
  await people(ada).getByRole('button', { name: 'Write to Grace alone' }).press('Enter');
  await expect(ada.page.getByRole('heading', { level: 1 })).toContainText('Grace');
  await ada.say('Lunch?');
  const link = grace.page.getByRole('link', { name: /Ada/ });
  await expect(link).toContainText('unread');
  await link.click();
  await expect(grace.message('Lunch?')).toBeVisible();
  await grace.page.getByRole('button', { name: /^People/ }).click();
  await expect(people(grace)).toContainText('Ada');
  await expect(people(grace).getByRole('combobox')).toHaveCount(0);
  await expectAccessible(grace.page);
  await picture(grace.page, 'direct');
});

test('a private room on a small screen', async ({ enter }) => {
  const phone = { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
  const ada = await enter('Ada', 'general', phone);
  const { page } = ada;
  await page.getByRole('link', { name: 'All rooms' }).click();
  await make(ada, 'Surprise party');
  await page.getByRole('button', { name: /^People/ }).click();
  await people(ada).getByLabel('Id of the person').fill('noor@example.org');
  await people(ada).getByRole('button', { name: 'Invite' }).click();
  await expect(people(ada)).toContainText('noor@example.org');
  await expectAccessible(page);
  await picture(page, 'narrow-members');
});
