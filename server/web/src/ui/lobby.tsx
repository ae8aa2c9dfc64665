import styles from './lobby.module.css';
import { goTo } from './place';
import { RoomForm } from './room-form';
import { RoomSign, useRoomTitle } from './room-title';
import { useChat } from './session-context';

/** No room is open: what rooms are, which there are, and a way into one. */
export function Lobby() {
  const listed = useChat((state) => state.listed);
  const mine = useChat((state) => state.rooms);
  const me = useChat((state) => state.me);
  const title = useRoomTitle();
  const others = (listed ?? []).filter((each) => !mine.has(each.room));
  const rooms = others.sort((a, b) => b.online - a.online || a.room.localeCompare(b.room)).slice(0, 12);
  return (
    <div className={styles.lobby}>
      <div className={styles.column}>
        <h1 className={styles.title}>
          {me ? (
            <>
              Hello, <bdi>{me.name}</bdi>
            </>
          ) : (
            'Hello'
          )}
        </h1>
        <p className={styles.lead}>
          Everything is said in rooms. Whoever opens the same name is in the same room, so tell the others the name, or
          send them the address of this page once you are in.
        </p>
        <div className={styles.card}>
          <RoomForm />
        </div>
        {rooms.length > 0 && (
          <>
            <h2 className={styles.heading}>More rooms on this server</h2>
            <ul className={styles.rooms}>
              {rooms.map((each) => (
                <li key={each.room}>
                  <button type="button" className={styles.room} onClick={() => goTo(each.room)}>
                    <span className={styles.name}>
                      <RoomSign room={{ ...each, name: each.room }} /> <bdi>{title({ ...each, name: each.room })}</bdi>
                    </span>
                    <span className={styles.about}>{about(each.online)}</span>
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}

function about(online: number): string {
  if (online === 0) return 'Nobody here now';
  return online === 1 ? '1 person here' : `${online} people here`;
}
