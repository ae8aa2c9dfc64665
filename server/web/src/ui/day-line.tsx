import { useNow } from './clock';
import styles from './line.module.css';

const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });

/** Between two days. */
export function DayLine({ day }: { readonly day: number }) {
  const now = useNow();
  return (
    <div className={styles.line}>
      <span>{words(day, now)}</span>
    </div>
  );
}

function words(day: number, now: number): string {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const yesterday = new Date(today - 1).setHours(0, 0, 0, 0);
  if (day === today) return 'Today';
  if (day === yesterday) return 'Yesterday';
  return new Date(day).getFullYear() === new Date(today).getFullYear() ? weekday.format(day) : full.format(day);
}
