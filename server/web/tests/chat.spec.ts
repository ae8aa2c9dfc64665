import { expect, expectAccessible, test } from './people';
import { Voice } from './seed';

test('two people in two browsers chat', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await ada.say('Good morning');
  await expect(grace.message('Good morning')).toContainText('Ada');
  await grace.field.pressSequentially('Mor');
  await expect(ada.page.getByText('Grace\u2069 is typing')).toBeVisible();
  await grace.say('Morning, Ada');
  await expect(ada.message('Morning, Ada')).toContainText('Grace');
  await expect(ada.page.getByText('is typing')).toHaveCount(0);
  await expect(ada.page.getByRole('button', { name: 'People: 2 online' })).toBeVisible();
  await ada.page.getByRole('button', { name: /^People/ }).click();
  await expect(ada.page.getByRole('complementary')).toContainText('Grace');
  await expectAccessible(ada.page);
  await grace.page.close();
  await expect(ada.page.getByRole('button', { name: 'People: 1 online' })).toBeVisible();
});

test('a reload keeps who one is, where one was, and what was half written', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  await ada.say('before the reload');
  await expect(ada.message('before the reload')).toHaveCount(1);
  await ada.field.fill('half a sent');
  await ada.page.reload();
  await expect(ada.message('before the reload')).toHaveCount(1);
  await expect(ada.field).toHaveValue('half a sent');
  await ada.message('before the reload').hover();
  await ada.message('before the reload').getByRole('button', { name: 'More' }).click();
  await expect(ada.page.getByRole('menuitem', { name: 'Edit' })).toBeVisible();
});

test('edit, delete, react and reply', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await ada.say('Meet at noom');
  const act = async (button: string, item?: string) => {
    const row = ada.page.getByRole('article').first();
    await row.hover();
    await row.getByRole('button', { name: button, exact: true }).click();
    if (item) await ada.page.getByRole('menuitem', { name: item }).click();
  };
  await act('More');
  await expect(ada.page.getByRole('menuitem', { name: 'Delete' })).toBeVisible();
  await expectAccessible(ada.page);
  await ada.page.keyboard.press('Escape');
  await act('React');
  await expect(ada.page.getByRole('menuitem', { name: 'Heart' })).toBeVisible();
  await expectAccessible(ada.page);
  await ada.page.keyboard.press('Escape');

  await act('More', 'Edit');
  await expect(ada.field).toHaveValue('Meet at noom');
  await ada.say('Meet at noon');
  await expect(grace.message('Meet at noon')).toContainText('(edited)');

  await act('React', 'Thumbs up');
  const thumb = grace.page.getByRole('button', { name: '👍' });
  await expect(thumb).toContainText('1');
  await thumb.click();
  await expect(ada.page.getByRole('button', { name: '👍' })).toContainText('2');
  await grace.page.getByRole('button', { name: '👍' }).click();
  await expect(ada.page.getByRole('button', { name: '👍' })).toContainText('1');

  await grace.message('Meet at noon').hover();
  await grace.message('Meet at noon').getByRole('button', { name: 'Reply' }).click();
  await expect(grace.page.getByText('Replying to Ada')).toBeVisible();
  await grace.say('I will be there');
  await expect(ada.message('I will be there')).toContainText('Meet at noon');
  await expectAccessible(ada.page);

  await act('More', 'Delete');
  await expectAccessible(ada.page);
  await ada.page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await expect(grace.page.getByText('This message was deleted.')).toBeVisible();
  await expect(grace.message('I will be there')).not.toContainText('Meet at noon');
});

test('unread messages are counted, marked, and read', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await grace.say('one');
  await expect(ada.message('one')).toBeVisible();
  await ada.page.getByRole('button', { name: 'Open a room' }).click();
  await ada.page.getByLabel('Name of the room').fill('#other');
  await ada.page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(ada.page.getByText('This is where #other begins')).toBeVisible();
  await grace.say('two');
  await grace.say('three');
  await expect(ada.page.getByRole('link', { name: /general/ })).toContainText('2 unread');
  await expect(ada.page).toHaveTitle(/^\(2\) #other/);
  await ada.page.getByRole('link', { name: /general/ }).click();
  await expect(ada.page.getByText('New', { exact: true })).toBeVisible();
  await expect(ada.page.getByRole('link', { name: /general/ })).not.toContainText('unread');
  await expect(ada.page).toHaveTitle(/^#general/);
  await ada.page.getByRole('link', { name: /other/ }).click();
  await ada.page.getByRole('link', { name: /general/ }).click();
  await expect(ada.message('three')).toBeVisible();
  await expect(ada.page.getByText('New', { exact: true })).toHaveCount(0);
});

test('what comes while one looks elsewhere stands below the line "New"', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await grace.say('seen');
  await expect(ada.message('seen')).toBeVisible();
  const look = (visibility: string) =>
    ada.page.evaluate((state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, visibility);
  await expect(ada.page.getByText('New', { exact: true })).toHaveCount(0);
  await expect(ada.page).toHaveTitle(/^#/);
  await look('hidden');
  await grace.say('not seen yet');
  await expect(ada.page).toHaveTitle(/^\(1\)/);
  await expect(ada.page.getByText('New', { exact: true })).toBeVisible();
  await look('visible');
  await expect(ada.page).toHaveTitle(/^#/);
});

test('two tabs of one person', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const tab = await ada.page.context().newPage();
  await tab.goto('/#/general');
  await ada.say('from the first tab');
  await expect(tab.getByRole('article')).toHaveCount(1);
  await tab.getByRole('textbox', { name: /^Message to/ }).fill('from the second tab');
  await tab.keyboard.press('Enter');
  await expect(ada.page.getByRole('article')).toHaveCount(2);
  await expect(ada.page.getByRole('button', { name: 'People: 1 online' })).toBeVisible();
});

test('the link to a message finds it', async ({ server, enter }) => {
  const ada = await enter('Ada', 'general', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ada.say('the one to remember');
  await expect(ada.message('the one to remember')).toHaveCount(1);
  await ada.message('the one to remember').hover();
  await ada.message('the one to remember').getByRole('button', { name: 'More' }).click();
  await ada.page.getByRole('menuitem', { name: 'Copy link' }).click();
  await expect(ada.page.getByText('Link to the message copied')).toBeVisible();
  const link = await ada.page.evaluate(() => navigator.clipboard.readText());
  const grace = await Voice.enter(server.url, 'Grace', 'general');
  await grace.sayAll(Array.from({ length: 90 }, (_, i) => `filler ${i}`));
  await expect(ada.message('filler 89')).toBeVisible();
  await ada.page.goto('/#/');
  await ada.page.goto(link);
  await ada.page.reload();
  await expect(ada.message('the one to remember')).toBeInViewport();
  await expect(ada.message('the one to remember')).toHaveAttribute('data-marked', 'true');
  grace.close();
});

test('everything works from the keyboard', async ({ visit }) => {
  const ada = await visit();
  const { page } = ada;
  await page.goto('/');
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Name of the room')).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('Name of the room').focus();
  await page.keyboard.type('general');
  await page.keyboard.press('Enter');
  await expect(ada.field).toBeFocused();
  await page.keyboard.type('first line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  await expect(ada.message('first line\nsecond line')).toHaveCount(1);
  await page.keyboard.press('ArrowUp');
  await expect(page.getByText('Editing your message')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByText('Editing your message')).toHaveCount(0);
  await expect(ada.field).toBeFocused();
});
