import { useEffect, useRef } from 'react';
import type { Row } from '../chat/timeline';
import { shownName } from './shown-name';
import { useChat } from './session-context';

/** Longer texts are cut when they are read out. */
const READ_CHARS = 200;

/** Tells screen readers what others write, while the list itself stays silent as one scrolls. */
export function Announcer({ rows }: { readonly rows: readonly Row[] }) {
  const me = useChat((state) => state.me);
  const last = rows.at(-1);
  const known = useRef(last?.key);
  const region = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!last || last.key === known.current) return;
    known.current = last.key;
    if (!region.current || last.type !== 'entry' || last.entry.from.id === me?.id) return;
    region.current.textContent = `${shownName(last.entry.from.name)}: ${last.entry.text.slice(0, READ_CHARS)}`;
  }, [last, me]);
  return <div ref={region} className="unseen" aria-live="polite" />;
}
