// When something was written: near times relative, older ones by the clock, the exact one on hover.

import { useNow } from './clock';
import { useChat } from './session-context';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'short' });

const MINUTE_MS = 60_000;

/** Up to this age a time is told as "5 min ago". */
const NEAR_MS = 60 * MINUTE_MS;

export function TimeLabel({ at, className }: { readonly at: number; readonly className?: string | undefined }) {
  const now = useNow();
  const skewMs = useChat((state) => state.skewMs);
  const local = at - skewMs;
  return (
    <time className={className} dateTime={new Date(at).toISOString()} title={exact.format(local)}>
      {spoken(local, now)}
    </time>
  );
}

function spoken(local: number, now: number): string {
  const age = now - local;
  if (age < MINUTE_MS && age > -MINUTE_MS) return 'just now';
  if (age > 0 && age < NEAR_MS) return relative.format(-Math.floor(age / MINUTE_MS), 'minute');
  return clock.format(local);
}
