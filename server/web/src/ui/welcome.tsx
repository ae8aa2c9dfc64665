import { useState, type SyntheticEvent } from 'react';
import { inWords } from '../chat/failure';
import { keep } from '../wire/keep';
import { Button } from './button';
import mark from './mark.svg';
import { usePlace } from './place';
import { useChat, useSession } from './session-context';
import styles from './welcome.module.css';

/** The first thing a newcomer sees: one question. */
export function Welcome() {
  const session = useSession();
  const { room } = usePlace();
  const failure = useChat((state) => (state.link.phase === 'signedOut' ? state.link.failure : null));
  const nameChars = useChat((state) => state.limits.nameChars);
  const [name, setName] = useState(() => keep.name() ?? '');
  const ready = name.trim() !== '';

  const start = (event: SyntheticEvent) => {
    event.preventDefault();
    if (ready) session.signIn(name.trim());
  };

  return (
    <main className={styles.welcome}>
      <form className={styles.card} onSubmit={start}>
        <img src={mark} alt="" className={styles.mark} width="48" height="48" />
        <h1 className={styles.title}>ChatCluster</h1>
        <p className={styles.lead}>
          {room === null ? (
            'Chat in rooms that lose nothing.'
          ) : (
            <>
              You are invited to <strong className={styles.room}>#{room}</strong>.
            </>
          )}
        </p>
        <label className={styles.label} htmlFor="name">
          Your name
        </label>
        <input
          id="name"
          className={styles.input}
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={nameChars}
          autoComplete="nickname"
          autoFocus
          dir="auto"
          aria-describedby="name-hint"
          aria-invalid={failure !== null}
        />
        <p id="name-hint" className={failure ? styles.failure : styles.hint}>
          {failure ? inWords(failure) : 'Others see it beside what you write. No account needed.'}
        </p>
        <Button type="submit" look="primary" disabled={!ready}>
          {room === null ? 'Start chatting' : 'Join the room'}
        </Button>
      </form>
    </main>
  );
}
