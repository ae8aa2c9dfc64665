// The whole page: a welcome for who has no name yet, else rooms at the side and one of them open.

import { useEffect, useState } from 'react';
import styles from './app.module.css';
import { Conversation } from './conversation';
import { LayerContext } from './layer';
import { Lobby } from './lobby';
import { usePlace } from './place';
import { useChat, useSession } from './session-context';
import { Sidebar } from './sidebar';
import { Toasts } from './toast';
import { usePageTitle } from './page-title';
import { Welcome } from './welcome';

export function App() {
  const signedOut = useChat((state) => state.link.phase === 'signedOut');
  return (
    <>
      {signedOut ? <Welcome /> : <Chat />}
      <Toasts />
    </>
  );
}

function Chat() {
  const session = useSession();
  const { room } = usePlace();
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  useEffect(() => session.open(room), [session, room]);
  useLeaveWarning();
  usePageTitle(room);
  return (
    <LayerContext value={layer}>
      <div className={styles.frame} data-open={room !== null}>
        <Sidebar open={room} />
        <main ref={setLayer} className={styles.main}>
          {room === null ? <Lobby /> : <Conversation key={room} name={room} />}
        </main>
      </div>
    </LayerContext>
  );
}

/** What has not been sent would be lost with the tab, so the browser asks first. */
function useLeaveWarning(): void {
  const unsent = useChat((state) => state.outbox.some((pending) => pending.state !== 'sent'));
  useEffect(() => {
    if (!unsent) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [unsent]);
}
