// How components reach the session, and the parts of the state that they show.

import { createContext, use, useSyncExternalStore } from 'react';
import type { ChatState } from '../chat/state';
import type { Session } from '../wire/session';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('no session around this component');
  return session;
}

/** A part of the state; `select` must give the same object for the same state. */
export function useChat<T>(select: (state: ChatState) => T): T {
  const { store } = useSession();
  return useSyncExternalStore(store.subscribe, () => select(store.shown()));
}
