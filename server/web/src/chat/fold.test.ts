import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChangeEntry, User } from './entry';
import { fold } from './fold';
import { append, openLine, prepend } from './line';
import type { Action, Pending } from './outbox';
import { showPosition } from './position';

const PEOPLE: readonly User[] = [
  { id: 'a', name: 'Ada' },
  { id: 'g', name: 'Grace' },
];
const OF = { epoch: 1, n: 1 };

const change = fc.record({
  kind: fc.constantFrom('edit', 'delete', 'react'),
  from: fc.constantFrom(...PEOPLE),
  text: fc.constantFrom('one', 'two'),
  emoji: fc.constantFrom('👍', '🎉'),
  remove: fc.boolean(),
});

const changes = fc.array(change, { maxLength: 12 }).map((list) =>
  list.map((each, index) => {
    const written = { room: 'r', position: { epoch: 1, n: index + 2 }, at: index, id: `${index}`, of: OF };
    return { ...written, ...each };
  }),
);

test('changes say the same whether they came live or with an older page', () => {
  fc.assert(
    fc.property(changes, fc.nat(12), (log, cut) => {
      const live = log.reduce(append, openLine(OF));
      const from = log[cut]?.position ?? OF;
      const start = { epoch: 1, n: Math.max(1, from.n - 1) };
      const later = log.filter(({ position }) => position.n > start.n).reduce(append, openLine(start));
      const older = log.filter(({ position }) => position.n <= start.n);
      const paged = prepend(later, start, older, false);
      expect(fold(paged.changes, [], null)).toEqual(fold(live.changes, [], null));
    }),
  );
});

test('one reaction a person and sign, until it is taken away', () => {
  const react = (n: number, from: User | undefined, remove: boolean) =>
    ({
      kind: 'react',
      room: 'r',
      position: { epoch: 1, n },
      at: n,
      id: `${n}`,
      of: OF,
      from,
      emoji: '👍',
      remove,
    }) as ChangeEntry;
  const [ada, grace] = PEOPLE;
  const folded = fold(
    [react(2, ada, false), react(3, ada, false), react(4, grace, false), react(5, ada, true)],
    [],
    null,
  );
  expect(folded.get(showPosition(OF))?.reactions).toEqual([{ emoji: '👍', users: [grace] }]);
});

test('a change of one’s own shows at once, and a refused one does not', () => {
  const pending = (action: Action, state: Pending['state']): Pending => ({
    id: 'x',
    room: 'r',
    action,
    state,
    tried: null,
    seen: null,
    arrived: false,
    failure: null,
    notBefore: 0,
  });
  const edit: Action = { kind: 'edit', of: OF, text: 'new' };
  expect(fold([], [pending(edit, 'sending')], null).get('1-1')).toMatchObject({ text: 'new', pending: true });
  expect(fold([], [pending(edit, 'failed')], null).size).toBe(0);
});
