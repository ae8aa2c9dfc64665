import styles from './room-list.module.css';
import { goTo, showPlace } from './place';
import { RoomSign, useRoomTitle } from './room-title';
import { useChat } from './session-context';

/** The rooms one is in, with what is new in them, then the other rooms of the server. */
export function RoomList({ open }: { readonly open: string | null }) {
  const rooms = useChat((state) => state.rooms);
  const listed = useChat((state) => state.listed);
  const title = useRoomTitle();
  const mine = [...rooms.values()].sort((a, b) => a.name.localeCompare(b.name));
  // Where no room is open, the lobby beside this list shows the others.
  const others = open === null ? [] : (listed ?? []).filter((each) => !rooms.has(each.room));

  return (
    <div className={styles.scroll}>
      <h2 className={styles.heading}>Your rooms</h2>
      {mine.length === 0 && <p className={styles.empty}>None yet. The ones you open are kept here.</p>}
      <ul>
        {mine.map((room) => (
          <li key={room.name}>
            <a
              className={styles.room}
              href={showPlace(room.name)}
              aria-current={room.name === open ? 'page' : undefined}
              data-unread={room.unread > 0}
              onKeyDown={(event) => walk(event.currentTarget, event.key)}
            >
              <RoomSign room={room} className={styles.sign} />
              <bdi className={styles.name}>{title(room)}</bdi>
              {room.unread > 0 && room.name !== open && (
                <span className={styles.unread}>
                  {room.unread > 99 ? '99+' : room.unread}
                  <span className="unseen"> unread</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <>
          <h2 className={styles.heading}>More rooms</h2>
          <ul>
            {others.map((each) => (
              <li key={each.room}>
                <button type="button" className={styles.room} onClick={() => goTo(each.room)}>
                  <RoomSign room={{ ...each, name: each.room }} className={styles.sign} />
                  <bdi className={styles.name}>{title({ ...each, name: each.room })}</bdi>
                  <span className={styles.online}>{each.online > 0 ? `${each.online} here` : ''}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** Up and down go through the rooms. */
function walk(from: HTMLElement, key: string): void {
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
  const item = from.parentElement;
  const next = key === 'ArrowDown' ? item?.nextElementSibling : item?.previousElementSibling;
  next?.querySelector('a')?.focus();
}
