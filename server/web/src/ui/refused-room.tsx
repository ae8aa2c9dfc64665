import { inWords } from '../chat/failure';
import type { Room } from '../chat/room';
import { Button } from './button';
import { goTo } from './place';
import styles from './refused-room.module.css';
import { inLetters, useRoomTitle } from './room-title';
import { useSession } from './session-context';

/** The server does not let one into this room. */
export function RefusedRoom({ room }: { readonly room: Room }) {
  const session = useSession();
  const title = useRoomTitle();
  return (
    <div className={styles.refused} role="alert">
      <h1 className={styles.title}>
        <bdi>{inLetters(room, title(room))}</bdi> cannot be opened
      </h1>
      {room.failure && <p className={styles.words}>{inWords(room.failure)}</p>}
      <div className={styles.actions}>
        <Button
          onClick={() => {
            session.leave(room.name);
            goTo(null);
          }}
        >
          Choose another room
        </Button>
        <Button look="primary" onClick={() => session.open(room.name)}>
          Try again
        </Button>
      </div>
    </div>
  );
}
