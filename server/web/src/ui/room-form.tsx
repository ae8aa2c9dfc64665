import { useId, useState, type SyntheticEvent } from 'react';
import { inWords, type Failure } from '../chat/failure';
import { byteLength } from '../chat/limits';
import { Button } from './button';
import { goTo } from './place';
import styles from './room-form.module.css';
import { useChat, useSession } from './session-context';

/** Opens a room by its name; one that nobody has opened yet is made by it. Or makes one for members alone, which has a title. */
export function RoomForm({ onDone }: { readonly onDone?: () => void }) {
  const id = useId();
  const session = useSession();
  const { roomBytes, titleChars } = useChat((state) => state.limits);
  const [name, setName] = useState('');
  const [closed, setClosed] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const title = name.trim();
  const room = title.replace(/^#+/, '').replace(/\s+/gu, '-');
  const empty = closed ? title === '' : room === '';
  const tooLong = closed ? Array.from(title).length > titleChars : byteLength(room) > roomBytes;

  const done = (made: string) => {
    goTo(made);
    setName('');
    onDone?.();
  };

  const open = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (empty || tooLong) return;
    if (!closed) {
      done(room);
      return;
    }
    const made = await session.create(title);
    if (typeof made === 'string') done(made);
    else setFailure(made);
  };

  const words = tooLong
    ? `This ${closed ? 'title' : 'name'} is too long. Choose a shorter one.`
    : failure
      ? inWords(failure)
      : closed
        ? 'Only those whom you invite see it. It begins with you alone.'
        : 'A room that is not there yet is made for you.';

  return (
    <form onSubmit={(event) => void open(event)}>
      <label className={styles.label} htmlFor={id}>
        {closed ? 'Title of the room' : 'Name of the room'}
      </label>
      <div className={styles.row}>
        <span className={styles.field}>
          {!closed && <span aria-hidden="true">#</span>}
          <input
            id={id}
            value={name}
            onChange={(event) => {
              setName(event.target.value);
              setFailure(null);
            }}
            placeholder={closed ? 'The two of us and the cat' : 'general'}
            autoComplete="off"
            autoCapitalize={closed ? undefined : 'none'}
            spellCheck={closed}
            aria-describedby={`${id}-hint`}
            aria-invalid={tooLong || failure !== null}
          />
        </span>
        <Button type="submit" look="primary" disabled={empty || tooLong}>
          {closed ? 'Make it' : 'Open'}
        </Button>
      </div>
      <label className={styles.closed}>
        <input
          type="checkbox"
          checked={closed}
          onChange={(event) => {
            setClosed(event.target.checked);
            setFailure(null);
          }}
        />
        Private: for members alone
      </label>
      <p id={`${id}-hint`} className={tooLong || failure ? styles.failure : styles.hint} aria-live="polite">
        {words}
      </p>
    </form>
  );
}
