import { useId, useState, type SyntheticEvent } from 'react';
import { byteLength } from '../chat/limits';
import { Button } from './button';
import { goTo } from './place';
import styles from './room-form.module.css';
import { useChat } from './session-context';

/** Opens a room by its name; one that nobody has opened yet is made by it. */
export function RoomForm({ onDone }: { readonly onDone?: () => void }) {
  const id = useId();
  const roomBytes = useChat((state) => state.limits.roomBytes);
  const [name, setName] = useState('');
  const room = name.trim().replace(/^#+/, '').replace(/\s+/gu, '-');
  const tooLong = byteLength(room) > roomBytes;

  const open = (event: SyntheticEvent) => {
    event.preventDefault();
    if (room === '' || tooLong) return;
    goTo(room);
    setName('');
    onDone?.();
  };

  return (
    <form onSubmit={open}>
      <label className={styles.label} htmlFor={id}>
        Name of the room
      </label>
      <div className={styles.row}>
        <span className={styles.field}>
          <span aria-hidden="true">#</span>
          <input
            id={id}
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="general"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-describedby={`${id}-hint`}
            aria-invalid={tooLong}
          />
        </span>
        <Button type="submit" look="primary" disabled={room === '' || tooLong}>
          Open
        </Button>
      </div>
      <p id={`${id}-hint`} className={tooLong ? styles.failure : styles.hint}>
        {tooLong ? 'This name is too long. Choose a shorter one.' : 'A room that is not there yet is made for you.'}
      </p>
    </form>
  );
}
