import type { Gap, GapReason } from '../chat/entry';
import styles from './line.module.css';

/** Where something cannot be shown: said, not hidden. */
export function GapLine({ gap }: { readonly gap: Gap }) {
  const missing = gap.to.n - gap.from.n;
  return (
    <div className={styles.gap} role="note">
      <span>{words(gap.reason, missing)}</span>
    </div>
  );
}

function words(reason: GapReason, missing: number): string {
  const count = missing === 1 ? 'One message was' : `${missing} messages were`;
  switch (reason) {
    case 'trimmed':
      return `${count} removed before you came back: the server keeps only so many.`;
    case 'reset':
      return 'The server started this room anew. What stands above is no longer kept there.';
    case 'missing':
      return `${count} not delivered. Reload the page to look for them.`;
  }
}
