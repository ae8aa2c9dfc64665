import type { Room } from '../chat/room';
import { inLetters, useRoomTitle } from './room-title';
import styles from './history-top.module.css';

/** What stands above the oldest message: more to come, the beginning, or the end of what is kept. */
export function HistoryTop({ context }: { readonly context?: { readonly room: Room } }) {
  const title = useRoomTitle();
  const room = context?.room;
  const line = room?.line;
  if (!room || !line) return null;
  if (line.more) return <div className={styles.more}>{room.paging ? 'Loading older messages…' : ''}</div>;
  if (line.start.n > 0) {
    return <p className={styles.end}>Older messages are not kept any more.</p>;
  }
  return (
    <div className={styles.top}>
      <h2 className={styles.title}>
        This is where <bdi>{inLetters(room, title(room))}</bdi> begins
      </h2>
      {line.marks.length === 0 ? (
        <p className={styles.words}>
          Say something: whoever comes later will read it. To bring others here,{' '}
          {room.isPrivate ? 'invite them.' : 'send them the address of this page.'} Write a link, press <kbd>Shift</kbd>{' '}
          and <kbd>Enter</kbd> for a new line, and point at a message to answer it, react to it, or change your own.
        </p>
      ) : (
        <p className={styles.words}>Everything that was said here is kept in one order, the same for everybody.</p>
      )}
    </div>
  );
}
