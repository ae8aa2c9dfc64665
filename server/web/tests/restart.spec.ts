import { expect, expectAccessible, test } from './people';

test('the server is killed and started again: what was typed meanwhile is sent once', async ({ server, enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  await ada.say('before');
  await expect(grace.message('before')).toHaveCount(1);

  await server.kill();
  await expect(ada.page.getByText('Offline.', { exact: true })).toBeVisible();
  await ada.say('typed while nobody listened');
  await ada.say('and one more');
  await expect(ada.page.getByText('Waiting to be sent')).toHaveCount(2);
  await expectAccessible(ada.page);
  await ada.page.reload().catch(() => {
    // The page comes from the server that is gone.
  });

  await server.start();
  // The reload that found nobody may still be on its way.
  await expect(() => ada.page.goto(`${ada.link.url}/#/general`)).toPass();
  await expect(grace.message('and one more')).toHaveCount(1);
  await expect(grace.message('typed while nobody listened')).toHaveCount(1);
  await expect(ada.message('typed while nobody listened')).toHaveCount(1);
  await expect(ada.page.getByText('Waiting to be sent')).toHaveCount(0);
  // The log was in memory: Grace is told that what stands above is gone, and still sees it.
  await expect(grace.page.getByText(/started this room anew/)).toBeVisible();
  await expect(grace.message('before')).toHaveCount(1);
  const texts = await grace.page.getByRole('article').allInnerTexts();
  const order = ['before', 'typed while nobody listened', 'and one more'].map((text) =>
    texts.findIndex((each) => each.includes(text)),
  );
  expect(order).toEqual([0, 1, 2]);
  await grace.say('welcome back');
  await expect(ada.message('welcome back')).toHaveCount(1);
});

test('a page that stays open sends what was typed offline, once and in order', async ({ server, enter }) => {
  const ada = await enter('Ada', 'general');
  await ada.say('before');
  await expect(ada.message('before')).toHaveCount(1);
  await server.kill();
  for (let i = 0; i < 5; i += 1) await ada.say(`offline ${i}`);
  await server.start();
  await expect(ada.page.getByText('Waiting to be sent')).toHaveCount(0);
  const grace = await enter('Grace', 'general');
  await expect(grace.message('offline 4')).toHaveCount(1);
  const texts = await grace.page.getByRole('article').allInnerTexts();
  expect(texts.map((text) => /offline \d/.exec(text)?.[0])).toEqual([0, 1, 2, 3, 4].map((i) => `offline ${i}`));
});

test('a broken link: nothing is missed and nothing is doubled', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  for (let round = 0; round < 4; round += 1) {
    await grace.say(`round ${round} before`);
    ada.link.cut();
    await ada.say(`ada ${round}`);
    await grace.say(`round ${round} meanwhile`);
    ada.link.mend();
    await expect(ada.message(`round ${round} meanwhile`)).toHaveCount(1);
    await expect(grace.message(`ada ${round}`)).toHaveCount(1);
  }
  await expect(ada.page.getByText('Connected')).toBeVisible();
  await expect(ada.page.getByRole('article')).toHaveCount(12);
  await expect(grace.page.getByRole('article')).toHaveCount(12);
  const texts = async (page: typeof ada.page) =>
    (await page.getByRole('article').allInnerTexts()).map((text) => /(?:round|ada) \d\D*$/.exec(text)?.[0].trim());
  expect(await texts(ada.page)).toEqual(await texts(grace.page));
});

test('a slow link: pending is shown, then sent once', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general');
  ada.link.slow(700);
  await ada.say('this takes its time');
  await expect(ada.page.getByText('Sending…')).toBeVisible();
  await ada.say('and this waits for it');
  await expect(ada.page.getByText('Waiting to be sent')).toBeVisible();
  await expect(grace.message('and this waits for it')).toHaveCount(1);
  await expect(grace.message('this takes its time')).toHaveCount(1);
  await expect(ada.page.getByText(/Sending…|Waiting to be sent|Not confirmed/)).toHaveCount(0);
});

test('where WebSockets are blocked, long polling carries the chat', async ({ visit, enter }) => {
  const grace = await enter('Grace', 'general');
  const ada = await visit();
  ada.link.refuseUpgrades();
  await ada.page.goto('/#/general');
  await ada.page.getByLabel('Your name').fill('Ada');
  await ada.page.keyboard.press('Enter');
  await ada.say('over polling');
  await expect(grace.message('over polling')).toHaveCount(1);
  await grace.say('I hear you');
  await expect(ada.message('I hear you')).toHaveCount(1);
  ada.link.cut();
  await grace.say('while you were gone');
  ada.link.mend();
  await expect(ada.message('while you were gone')).toHaveCount(1);
  await expect(ada.page.getByRole('article')).toHaveCount(3);
});
