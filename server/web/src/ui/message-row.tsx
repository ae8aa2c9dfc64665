import { CircleAlert, Clock3, CornerUpLeft } from 'lucide-react';
import type { EntryRow, Quote } from '../chat/timeline';
import { Avatar } from './avatar';
import type { RowHandlers } from './history';
import { MessageActions } from './message-actions';
import styles from './message-row.module.css';
import { PersonName } from './person-name';
import { goTo } from './place';
import { Reactions } from './reactions';
import { RichText } from './rich-text';
import { shownName } from './shown-name';
import { TimeLabel } from './time-label';

interface Props {
  readonly row: EntryRow;
  readonly handlers: RowHandlers;
  readonly marked: boolean;
}

/** One message that is in the log. */
export function MessageRow({ row, handlers, marked }: Props) {
  const { entry, folded, leads } = row;
  const deleted = folded?.deleted ?? false;
  const text = folded?.text ?? entry.text;
  return (
    <article
      className={styles.message}
      data-leads={leads}
      data-past={row.past}
      data-marked={marked}
      aria-label={shownName(entry.from.name)}
    >
      <div className={styles.gutter}>
        {leads ? <Avatar user={entry.from} /> : <TimeLabel at={entry.at} className={styles.sideTime} />}
      </div>
      <div className={styles.content}>
        {leads && (
          <p className={styles.head}>
            <PersonName name={entry.from.name} className={styles.name} />
            <TimeLabel at={entry.at} className={styles.time} />
          </p>
        )}
        {row.quote && <QuoteLine room={entry.room} quote={row.quote} />}
        {deleted ? (
          <p className={styles.deleted}>This message was deleted.</p>
        ) : entry.kind === 'custom' && entry.text === '' ? (
          <p className={styles.deleted}>Something that this page cannot show ({entry.name.slice(0, 64)}).</p>
        ) : (
          <p className={styles.text} dir="auto">
            <RichText text={text} />
            {folded?.text != null && <span className={styles.edited}> (edited)</span>}
            <Delivery row={row} />
          </p>
        )}
        {!deleted && folded && folded.reactions.length > 0 && (
          <Reactions entry={entry} reactions={folded.reactions} fixed={row.past} />
        )}
      </div>
      {entry.kind === 'message' && !deleted && !row.past && (
        <MessageActions entry={entry} text={text} handlers={handlers} />
      )}
    </article>
  );
}

/** Only what is not as it should be gets a sign. */
function Delivery({ row }: { readonly row: EntryRow }) {
  if (row.delivery === 'weak') {
    const words = 'Sent, but only one server holds it so far';
    return (
      <span className={styles.weak} title={words}>
        <CircleAlert size="0.95em" aria-hidden="true" />
        <span className="unseen">{words}</span>
      </span>
    );
  }
  if (row.delivery === 'sending' || row.folded?.pending) {
    return (
      <span className={styles.sending} title="Not confirmed yet">
        <Clock3 size="0.9em" aria-hidden="true" />
        <span className="unseen">Not confirmed yet</span>
      </span>
    );
  }
  return null;
}

/** The message that this one answers; a click shows it. */
function QuoteLine({ room, quote }: { readonly room: string; readonly quote: Quote }) {
  const { of, author, text, deleted } = quote;
  return (
    <button type="button" className={styles.quote} onClick={() => goTo(room, of)} title="Show the message">
      <CornerUpLeft size="0.95em" aria-hidden="true" />
      {author && <PersonName name={author.name} className={styles.quoteName} />}
      <bdi className={styles.quoteText}>{deleted ? 'Deleted message' : author ? text : 'An earlier message'}</bdi>
    </button>
  );
}
