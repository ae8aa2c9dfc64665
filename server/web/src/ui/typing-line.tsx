import type { Room } from '../chat/room';
import { ReadBy } from './read-by';
import { shownName } from './shown-name';
import styles from './typing-line.module.css';

/** Who is typing. Always takes its place, so that nothing moves when somebody begins. */
export function TypingLine({ room }: { readonly room: Room | null }) {
  const names = [...(room?.typing.values() ?? [])].map(({ user }) => shownName(user.name));
  return (
    <p className={styles.line}>
      {names.length > 0 && (
        <>
          <span className={styles.dots} aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span className={styles.words}>{words(names)}</span>
        </>
      )}
      <ReadBy room={room} />
    </p>
  );
}

function words(names: readonly string[]): string {
  const [first = '', second = ''] = names;
  if (names.length === 1) return `\u2068${first}\u2069 is typing`;
  if (names.length === 2) return `\u2068${first}\u2069 and \u2068${second}\u2069 are typing`;
  return `${names.length} people are typing`;
}
