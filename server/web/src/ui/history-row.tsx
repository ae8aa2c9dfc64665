import { memo } from 'react';
import type { Quote, Row } from '../chat/timeline';
import { DayLine } from './day-line';
import { GapLine } from './gap-line';
import type { RowHandlers } from './history';
import styles from './history-row.module.css';
import { MemberLine } from './member-line';
import { MessageRow } from './message-row';
import { PendingRow } from './pending-row';

interface Props {
  readonly row: Row;
  readonly handlers: RowHandlers;
  readonly marked?: boolean;
}

/** One row of the history, whatever it is. */
export const HistoryRow = memo(function HistoryRow({ row, handlers, marked = false }: Props) {
  switch (row.type) {
    case 'gap':
      return (
        <div className={styles.row}>
          <GapLine gap={row.gap} />
        </div>
      );
    case 'pending':
      return (
        <div className={styles.row}>
          <PendingRow row={row} />
        </div>
      );
    case 'entry':
      return (
        <div className={styles.row}>
          {row.day !== null && <DayLine day={row.day} />}
          {row.firstNew && <p className={styles.new}>New</p>}
          {row.entry.kind === 'member' ? (
            <MemberLine entry={row.entry} />
          ) : (
            <MessageRow row={row} handlers={handlers} marked={marked} />
          )}
        </div>
      );
  }
}, sameRow);

/** Rows are made anew with each change of the room; most of them say the same as before. */
function sameRow(before: Props, after: Props): boolean {
  if (before.handlers !== after.handlers || before.marked !== after.marked) return false;
  const a = before.row;
  const b = after.row;
  if (a.type === 'entry' && b.type === 'entry') {
    return (
      a.entry === b.entry &&
      JSON.stringify(a.folded) === JSON.stringify(b.folded) &&
      a.delivery === b.delivery &&
      a.past === b.past &&
      a.leads === b.leads &&
      a.day === b.day &&
      a.firstNew === b.firstNew &&
      sameQuote(a.quote, b.quote)
    );
  }
  if (a.type === 'pending' && b.type === 'pending') return a.pending === b.pending && a.leads === b.leads;
  return a.type === 'gap' && b.type === 'gap' && a.gap === b.gap;
}

function sameQuote(a: Quote | null, b: Quote | null): boolean {
  return a === b || (a !== null && b !== null && a.text === b.text && a.deleted === b.deleted && a.author === b.author);
}
