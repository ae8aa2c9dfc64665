// The whole page: a welcome for who has no name yet, else the chat.

import { lazy, Suspense, useEffect } from 'react';
import { useChat } from './session-context';
import { Toasts } from './toast';
import { Welcome } from './welcome';

const load = () => import('./chat');
const Chat = lazy(load);

export function App() {
  const signedOut = useChat((state) => state.link.phase === 'signedOut');
  // While somebody thinks of a name, the rest comes.
  useEffect(() => void load(), []);
  return (
    <>
      {signedOut ? (
        <Welcome />
      ) : (
        <Suspense>
          <Chat />
        </Suspense>
      )}
      <Toasts />
    </>
  );
}
