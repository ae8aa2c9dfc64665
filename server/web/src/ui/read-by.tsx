import type { User } from '../chat/entry';
import { comparePositions } from '../chat/position';
import type { Room } from '../chat/room';
import { PersonName } from './person-name';
import { useChat } from './session-context';
import { shownName } from './shown-name';
import styles from './typing-line.module.css';

/** Who has read what one said last, while nothing else has been said since. */
export function ReadBy({ room }: { readonly room: Room | null }) {
  const me = useChat((state) => state.me);
  const readers = room ? readersOfLast(room, me) : [];
  const [first] = readers;
  if (!first) return null;
  return (
    <span className={styles.read} title={readers.map((user) => shownName(user.name)).join(', ')}>
      Read by {readers.length === 1 ? <PersonName name={first.name} /> : readers.length}
    </span>
  );
}

function readersOfLast(room: Room, me: User | null): readonly User[] {
  const last = room.line?.marks.at(-1);
  if (last?.type !== 'entry' || last.entry.from.id !== me?.id) return [];
  const { position } = last.entry;
  return [...room.receipts.values()]
    .filter((receipt) => comparePositions(receipt.position, position) >= 0)
    .map((receipt) => receipt.user);
}
