import { useEffect, useRef, useState, type RefObject } from 'react';
import type { FlatIndexLocationWithAlign, VirtuosoHandle } from 'react-virtuoso';
import type { Row } from '../chat/timeline';
import type { SeekTarget } from './linked';

/** Rows get their true height once they are shown, so the place is corrected a few times. */
const TRIES = 5;
const AGAIN_MS = 80;

/**
 * Where the list opens: at its end, or at what is new. The place is kept while rows get their true height, unless one
 * is sent `elsewhere`.
 */
export function useOpening(
  list: RefObject<VirtuosoHandle | null>,
  firstNew: number | null,
  elsewhere: boolean,
): FlatIndexLocationWithAlign {
  const [opening] = useState<FlatIndexLocationWithAlign>(() =>
    firstNew === null ? { index: 'LAST', align: 'end' } : { index: firstNew, align: 'center' },
  );
  useEffect(() => {
    if (elsewhere) return;
    let tries = TRIES;
    const timer = setInterval(() => {
      list.current?.scrollToIndex(opening);
      tries -= 1;
      if (tries === 0) clearInterval(timer);
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [list, opening, elsewhere]);
  return opening;
}

/** Brings a row to the middle of the list, whatever is loaded above it meanwhile. */
export function useSeek(list: RefObject<VirtuosoHandle | null>, rows: readonly Row[], target: SeekTarget | null): void {
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  }, [rows]);
  useEffect(() => {
    if (!target) return;
    let timer: ReturnType<typeof setTimeout>;
    const seek = (tries: number) => {
      const index = latest.current.findIndex((row) => row.key === target.key);
      if (index >= 0) list.current?.scrollToIndex({ index, align: 'center' });
      if (tries > 1) timer = setTimeout(() => seek(tries - 1), AGAIN_MS);
    };
    timer = setTimeout(() => seek(TRIES));
    return () => clearTimeout(timer);
  }, [list, target]);
}
