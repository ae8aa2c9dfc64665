// What a real server does only on a bad day: it is played by the test, on the same wire.

import type { Page, WebSocketRoute } from '@playwright/test';
import { expect, expectAccessible, test, type Person } from './people';

type Ask = (event: string, question: Record<string, unknown>) => object;

const REFUSED = { ok: false, error: { code: 'forbidden', message: 'not today' } };

/** Plays a server on the page's WebSocket; gives a way to say events. */
async function play(page: Page, answer: Ask): Promise<(event: string, argument: object) => void> {
  let socket: WebSocketRoute | null = null;
  const say = (event: string, argument: object) => socket?.send(`42${JSON.stringify([event, argument, 's:'])}`);
  await page.routeWebSocket(/\/socket\.io\//, (ws) => {
    socket = ws;
    const open = { sid: 'x', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 };
    ws.send(`0${JSON.stringify(open)}`);
    ws.onMessage((message) => {
      const text = String(message);
      if (text.startsWith('40')) {
        ws.send('40{"sid":"s","pid":"p"}');
        say('ready', { user: { id: 'me', name: 'Ada' }, node: 'n', recovered: false, rooms: [], limits: {} });
      }
      const event = /^42(\d+)(\[.*)$/s.exec(text);
      if (!event) return;
      const [name, question] = JSON.parse(event[2] ?? '[]') as [string, Record<string, unknown>];
      ws.send(`43${event[1]}${JSON.stringify([answer(name, question)])}`);
    });
  });
  return say;
}

async function open(ada: Person): Promise<void> {
  await ada.page.goto('/#/general');
  await ada.page.getByLabel('Your name').fill('Ada');
  await ada.page.keyboard.press('Enter');
}

const STAY = {
  ok: true,
  room: { room: 'general', title: 'general', visibility: 'public' },
  from: '1-0',
  tail: '1-0',
  online: 1,
  users: [],
  unread: 0,
};

function entry(n: number, text: string, from = { id: 'g', name: 'Grace' }, epoch = 1): object {
  return { room: 'general', position: `${epoch}-${n}`, at: Date.now(), id: `id${n}-${epoch}`, from, text };
}

test('a server that refuses everything', async ({ visit }) => {
  const ada = await visit();
  await play(ada.page, () => REFUSED);
  await open(ada);
  await expect(ada.page.getByRole('alert')).toContainText('Not today.');
  await expectAccessible(ada.page);
  await ada.page.getByRole('button', { name: 'Choose another room' }).click();
  await expect(ada.page.getByLabel('Name of the room')).toBeVisible();
});

test('a server that refuses what one sends: the words are kept, and can be sent again', async ({ visit }) => {
  const ada = await visit();
  let refuse = true;
  await play(ada.page, (event) => {
    if (event === 'join') return STAY;
    if (event === 'send' && !refuse)
      return { ok: true, position: '1-1', at: Date.now(), duplicate: false, replicated: true };
    return REFUSED;
  });
  await open(ada);
  await ada.say('may I?');
  await expect(ada.page.getByText('Your message was not sent. Not today.')).toBeVisible();
  await expectAccessible(ada.page);
  await ada.page.reload();
  await expect(ada.page.getByText('may I?')).toBeVisible();
  refuse = false;
  await ada.page.getByRole('button', { name: 'Retry' }).click();
  await expect(ada.page.getByText('Sent', { exact: true })).toBeVisible();
});

test('an edit that is refused keeps its words, and the message reads as before', async ({ visit }) => {
  const ada = await visit();
  const say = await play(ada.page, (event, question) => {
    if (event === 'join') return STAY;
    if (event !== 'send') return REFUSED;
    say('message', { ...entry(1, String(question.text), { id: 'me', name: 'Ada' }), id: question.id });
    return { ok: true, position: '1-1', at: Date.now(), duplicate: false, replicated: true };
  });
  await open(ada);
  await ada.say('first words');
  await expect(ada.message('first words')).toHaveCount(1);
  await ada.field.press('ArrowUp');
  await ada.say('better words');
  await expect(ada.page.getByText('Your edit was not sent. Not today.')).toBeVisible();
  await expect(ada.message('first words')).toHaveCount(1);
  await expect(ada.message('better words')).toHaveCount(1);
  await ada.page.getByRole('button', { name: 'Discard' }).click();
  await expect(ada.message('better words')).toHaveCount(0);
});

test('a server that answers nonsense', async ({ visit }) => {
  const ada = await visit();
  const nonsense = [null, 1, 'x', [], {}, { ok: true }, { ok: 'yes' }, { ok: true, from: 7, users: 'all' }];
  let turn = 0;
  const say = await play(ada.page, () => nonsense[(turn += 1) % nonsense.length] as object);
  await open(ada);
  for (const event of ['message', 'joined', 'gap', 'void', 'presence', 'typing', 'receipt', 'ready', 'unknown']) {
    for (const argument of nonsense) say(event, argument as object);
  }
  await expect(ada.page.getByRole('heading', { name: 'general' }).first()).toBeVisible();
});

test('an entry is shown, withdrawn, and replaced', async ({ visit }) => {
  const ada = await visit();
  let sent = 0;
  const say = await play(ada.page, (event, question) => {
    if (event === 'join') return STAY;
    if (event === 'send') {
      sent += 1;
      say('message', { ...entry(sent, String(question.text), { id: 'me', name: 'Ada' }), id: question.id });
      return { ok: true, position: `1-${sent}`, at: Date.now(), duplicate: false, replicated: sent === 1 };
    }
    return REFUSED;
  });
  await open(ada);
  await expect(ada.page.getByText('This is where #general begins')).toBeVisible();
  await ada.say('stays');
  await expect(ada.message('stays')).toHaveCount(1);
  say('message', entry(2, 'goes'));
  await expect(ada.message('goes')).toHaveCount(1);
  sent = 2;
  await ada.say('mine');
  await expect(ada.message('mine').getByTitle('Sent, but only one server holds it so far')).toBeVisible();
  say('void', { room: 'general', after: '1-1' });
  say('message', entry(2, 'came instead', { id: 'g', name: 'Grace' }, 2));
  await expect(ada.message('came instead')).toHaveCount(1);
  await expect(ada.message('goes')).toHaveCount(0);
  await expect(ada.message('stays')).toHaveCount(1);
  await expect(ada.page.getByText('Your message was lost by the server after it was shown.')).toBeVisible();
  await expect(ada.page.getByRole('button', { name: 'Send again' })).toBeVisible();
  await expectAccessible(ada.page);
});

test('a gap is a visible line', async ({ visit }) => {
  const ada = await visit();
  const say = await play(ada.page, (event) => (event === 'join' ? STAY : REFUSED));
  await open(ada);
  await expect(ada.page.getByText('This is where #general begins')).toBeVisible();
  say('message', entry(1, 'long ago'));
  say('gap', { room: 'general', from: '1-1', to: '1-41', reason: 'trimmed' });
  say('message', entry(42, 'much later'));
  await expect(ada.page.getByRole('note')).toContainText('40 messages were removed');
  await expect(ada.message('much later')).toHaveCount(1);
});

test('a name that the server refuses', async ({ visit }) => {
  const ada = await visit();
  await ada.page.routeWebSocket(/\/socket\.io\//, (ws) => {
    ws.send(
      `0${JSON.stringify({ sid: 'x', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1e5 })}`,
    );
    ws.onMessage((message) => {
      if (String(message).startsWith('40'))
        ws.send('44{"message":"guests are not allowed","data":{"code":"forbidden"}}');
    });
  });
  await open(ada);
  await expect(ada.page.getByText('Guests are not allowed. Ask somebody who may.')).toBeVisible();
  await expect(ada.page.getByLabel('Your name')).toHaveValue('Ada');
  await expectAccessible(ada.page);
});
