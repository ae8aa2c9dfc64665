import { useEffect, useState } from 'react';
import { health, type Health } from '../chat/state';
import styles from './connection-notice.module.css';
import { useChat, useSession } from './session-context';

/** Short breaks are not worth a word: only what lasts this long is told, in milliseconds. */
const PATIENCE_MS = 700;

/** Floats above the history while the connection is not live, and never moves it. */
export function ConnectionNotice() {
  const session = useSession();
  const state = useChat(health);
  const shown = useLasting(state);
  if (shown === 'live' || shown === 'signedOut' || shown === 'connecting') return <div role="status" />;
  return (
    <div role="status" className={styles.place}>
      <div className={styles.notice} data-health={shown}>
        {shown === 'offline' ? (
          <>
            <span>
              <strong>Offline.</strong> What you write is kept and sent once you are back.
            </span>
            <button type="button" className={styles.retry} onClick={() => session.hurry()}>
              Try now
            </button>
          </>
        ) : (
          <span>Catching up with what you missed…</span>
        )}
      </div>
    </div>
  );
}

/** The state, once it has lasted; good news at once. */
function useLasting(state: Health): Health {
  const [lasting, setLasting] = useState<Health>('live');
  useEffect(() => {
    const timer = setTimeout(() => setLasting(state), state === 'live' ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return lasting;
}
