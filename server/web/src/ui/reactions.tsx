import type { LineEntry } from '../chat/entry';
import type { Reaction } from '../chat/fold';
import styles from './reactions.module.css';
import { useChat, useSession } from './session-context';
import { shownName } from './shown-name';

/** So many names stand in the hint of a reaction. */
const NAMES_MAX = 12;

interface Props {
  readonly entry: LineEntry;
  readonly reactions: readonly Reaction[];
  /** True where nothing can be changed any more. */
  readonly fixed: boolean;
}

/** The reactions below a message; one click adds or takes away one's own. */
export function Reactions({ entry, reactions, fixed }: Props) {
  const session = useSession();
  const me = useChat((state) => state.me);
  return (
    <ul className={styles.reactions} aria-label="Reactions">
      {reactions.map(({ emoji, users }) => {
        const mine = users.some((user) => user.id === me?.id);
        const names = users.slice(0, NAMES_MAX).map((user) => (user.id === me?.id ? 'you' : shownName(user.name)));
        const rest = users.length > NAMES_MAX ? ` and ${users.length - NAMES_MAX} more` : '';
        return (
          <li key={emoji}>
            <button
              type="button"
              className={styles.reaction}
              aria-pressed={mine}
              disabled={fixed}
              title={`${names.join(', ')}${rest}`}
              onClick={() => session.send(entry.room, { kind: 'react', of: entry.position, emoji, remove: mine })}
            >
              <span className={styles.emoji}>{emoji}</span> {users.length}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
