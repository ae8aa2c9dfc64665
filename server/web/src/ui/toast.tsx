// A short word about something that just worked or did not.

import { useSyncExternalStore } from 'react';
import styles from './toast.module.css';

const SHOWN_MS = 4_000;

let text = '';
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(next: string): void {
  text = next;
  for (const listener of listeners) listener();
}

export function toast(words: string): void {
  clearTimeout(timer);
  show(words);
  timer = setTimeout(() => show(''), SHOWN_MS);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const words = useSyncExternalStore(subscribe, () => text);
  return (
    <div className={styles.place} role="status">
      {words && <div className={styles.toast}>{words}</div>}
    </div>
  );
}
