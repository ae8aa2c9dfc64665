// Asks for the picture again and again, as long as somebody looks at the page.

import { useEffect, useState } from 'react';
import { parsePicture, type Picture } from './picture';

const EVERY_MS = 1_000;
const ANSWER_MS = 5_000;

export interface Seen {
  readonly picture: Picture | null;
  /** Since when the server has not answered, in milliseconds since 1970. */
  readonly lostAt: number | null;
}

export function usePicture(): Seen {
  const [seen, setSeen] = useState<Seen>({ picture: null, lostAt: null });
  useEffect(() => {
    const ended = new AbortController();
    const isOver = () => ended.signal.aborted;
    void (async () => {
      while (!isOver()) {
        if (!document.hidden) {
          const picture = await ask(ended.signal);
          if (isOver()) return;
          setSeen((before) =>
            picture ? { picture, lostAt: null } : { ...before, lostAt: before.lostAt ?? Date.now() },
          );
        }
        await pause(EVERY_MS, ended.signal);
      }
    })();
    return () => ended.abort();
  }, []);
  return seen;
}

async function ask(ended: AbortSignal): Promise<Picture | null> {
  try {
    const answer = await fetch('/cluster.json', { signal: AbortSignal.any([ended, AbortSignal.timeout(ANSWER_MS)]) });
    return answer.ok ? parsePicture(await answer.json()) : null;
  } catch {
    return null;
  }
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      ended.removeEventListener('abort', done);
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    ended.addEventListener('abort', done);
    document.addEventListener('visibilitychange', done);
  });
}
