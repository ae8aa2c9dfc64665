import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEntries, parseEvent, parseFailure, parseListed, parseObject, parseStay } from './parse';

const NAMES = ['ready', 'joined', 'message', 'gap', 'void', 'presence', 'typing', 'receipt', 'room', 'other'];

test('whatever the server sends, nothing throws and nothing half-read gets in', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.jsonValue(), (name, value) => {
      const event = parseEvent(name, value, 0);
      if (event?.type === 'entry') expect(typeof event.entry.from.name).toBe('string');
      parseEntries(value);
      parseFailure(value);
      parseListed(value);
      const raw = parseObject(value);
      if (raw) expect(parseStay('r', raw).unread).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 1_000 },
  );
});

test('an entry as the protocol writes it', () => {
  const entry = {
    room: 'general',
    position: '3-14',
    at: 1_700_000_000_000,
    id: 'abc',
    from: { id: 'u', name: 'Ada' },
    text: 'hello',
    reply_to: '3-1',
  };
  expect(parseEvent('message', entry, 0)).toMatchObject({
    type: 'entry',
    entry: { kind: 'message', position: { epoch: 3, n: 14 }, replyTo: { epoch: 3, n: 1 }, text: 'hello' },
  });
  expect(parseEvent('message', { ...entry, position: '3' }, 0)).toBeNull();
  expect(parseEvent('message', { ...entry, kind: 'react', of: '3-1', emoji: '👍' }, 0)).toMatchObject({
    entry: { kind: 'react', remove: false },
  });
  expect(parseEvent('message', { ...entry, kind: 'custom.poll' }, 0)).toMatchObject({
    entry: { kind: 'custom', name: 'custom.poll' },
  });
});

test('a refusal without a known code is taken as one that may pass', () => {
  expect(parseFailure(undefined)).toMatchObject({ code: 'unavailable' });
  expect(parseFailure({ code: 'rate_limited', message: 'slow down', retry_after_ms: 120 })).toEqual({
    code: 'rate_limited',
    message: 'slow down',
    retryAfterMs: 120,
  });
});
