import { X } from 'lucide-react';
import type { Room } from '../chat/room';
import { Avatar } from './avatar';
import { IconButton } from './button';
import { DirectMessage } from './direct-message';
import { Members } from './members';
import styles from './people.module.css';
import { PersonName } from './person-name';
import { useRoomTitle } from './room-title';
import { useChat } from './session-context';

/** Who is in the room now; in a private one, who its members are. */
export function People({ room, onClose }: { readonly room: Room | null; readonly onClose: () => void }) {
  const title = useRoomTitle();
  return (
    <aside className={styles.people} aria-label="People in this room">
      {/* On a small screen this stands in the place of the room, and of its heading. */}
      {room && <h1 className={`unseen ${styles.place}`}>{title(room)}</h1>}
      <header className={styles.head}>
        <h2 className={styles.title}>{room?.isPrivate ? 'Members' : 'Here now'}</h2>
        <IconButton label="Close the list of people" onClick={onClose}>
          <X size="1.15em" aria-hidden="true" />
        </IconButton>
      </header>
      {room?.isPrivate ? <Members room={room} /> : <Present room={room} />}
    </aside>
  );
}

function Present({ room }: { readonly room: Room | null }) {
  const me = useChat((state) => state.me);
  const users = [...(room?.users ?? [])].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
  return (
    <>
      <ul className={styles.list}>
        {users.map((user) => (
          <li key={user.id} className={styles.person}>
            <Avatar user={user} size="small" />
            <PersonName name={user.name} className={styles.name} />
            {user.id === me?.id ? <span className={styles.me}>you</span> : <DirectMessage user={user} />}
          </li>
        ))}
      </ul>
      {!room?.users && <p className={styles.words}>{room?.online ?? 0} people: too many to list.</p>}
      {users.length === 1 && <p className={styles.words}>You are alone here. Send the others the link to this room.</p>}
    </>
  );
}
