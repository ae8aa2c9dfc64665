import { expect, expectAccessible, test } from './people';

const TEXTS = [
  '<img src=x onerror="document.title=1"><script>alert(1)</script>',
  '\u202eright to left and never back',
  'مرحبا بالعالم hello שלום',
  'a\u200b\u200b\u200bb\u200d\u2060',
  'x'.repeat(4_000),
  '👩‍👩‍👧‍👦🏳️‍🌈👨🏿‍🦽'.repeat(40),
  `Z${'\u0335\u0321\u034a'.repeat(60)}algo`,
  'line\n'.repeat(60),
  'https://example.org/' + 'a'.repeat(600),
  'javascript:alert(1) data:text/html,<script>1</script>',
];

test('hostile texts are only texts', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const grace = await enter('Grace', 'general', { viewport: { width: 320, height: 640 } });
  for (const text of TEXTS) await ada.say(text);
  await expect(grace.page.getByRole('article').last()).toContainText('javascript:alert(1)');
  await expect(grace.page.getByRole('link', { name: 'javascript' })).toHaveCount(0);
  for (const { page } of [ada, grace]) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    await expectAccessible(page);
  }
  await ada.say('still here');
  await expect(grace.message('still here')).toBeVisible();
});

for (const name of ['\u202eeman', '<b>Bold</b>', 'W'.repeat(60), '👩‍👩‍👧‍👦', 'a\u200bb', `Z${'\u0335\u0321'.repeat(25)}`]) {
  test(`a hostile name ${JSON.stringify(name.slice(0, 12))}`, async ({ enter }) => {
    const ada = await enter(name, 'general', { viewport: { width: 320, height: 640 } });
    await ada.say('hello');
    await expect(ada.message('hello')).toBeVisible();
    const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });
}

test('a text that is too long cannot be sent and is not lost', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  const long = 'ü'.repeat(60_000);
  await ada.field.fill(long);
  await expect(ada.page.getByText(/too long$/)).toBeVisible();
  await expect(ada.page.getByRole('button', { name: 'Send' })).toBeDisabled();
  await ada.field.press('Enter');
  await expect(ada.field).toHaveValue(long);
});

test('storage is forbidden', async ({ visit }) => {
  const ada = await visit();
  await ada.page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, {
        get: () => {
          throw new DOMException('no', 'SecurityError');
        },
      });
    }
  });
  await ada.page.goto('/#/general');
  await ada.page.getByLabel('Your name').fill('Ada');
  await ada.page.keyboard.press('Enter');
  await ada.say('without any memory');
  await expect(ada.message('without any memory')).toBeVisible();
});

test('storage is full', async ({ visit }) => {
  const ada = await visit();
  await ada.page.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  await ada.page.goto('/#/general');
  await ada.page.getByLabel('Your name').fill('Ada');
  await ada.page.keyboard.press('Enter');
  ada.link.cut();
  await ada.say('typed with a full disk');
  await expect(ada.page.getByText('Waiting to be sent')).toBeVisible();
  ada.link.mend();
  await expect(ada.page.getByText('Waiting to be sent')).toHaveCount(0);
  await expect(ada.message('typed with a full disk')).toHaveCount(1);
});

test('a clock that is an hour off', async ({ enter, visit }) => {
  const grace = await enter('Grace', 'general');
  await grace.say('what time is it?');
  for (const off of [-3_600_000, 3_600_000]) {
    const ada = await visit();
    await ada.page.clock.install({ time: Date.now() + off });
    await ada.page.goto('/#/general');
    await ada.page.getByLabel('Your name').fill('Ada');
    await ada.page.keyboard.press('Enter');
    await expect(ada.message('what time is it?')).toContainText('just now');
    await ada.say('late or early');
    await expect(ada.message('late or early').last()).toContainText('just now');
  }
});

test('a token that the server does not know any more', async ({ enter }) => {
  const ada = await enter('Ada', 'general');
  await ada.page.evaluate(() => localStorage.setItem('chat.token', 'not.a.token'));
  await ada.page.reload();
  await ada.say('still me');
  await expect(ada.message('still me')).toHaveCount(1);
});
