import { useEffect, useRef, useState, type RefObject } from 'react';
import type { FlatIndexLocationWithAlign, VirtuosoHandle } from 'react-virtuoso';
import type { Row } from '../chat/timeline';
import type { SeekTarget } from './linked';

/** Rows get their true height once they are shown: a place holds when the list has kept its height for so many frames. */
const FRAMES = 25;

/** It is corrected at every so many frames. */
const FRAMES_EACH = 5;

/** A list that goes on growing is left alone after so long. */
const HOLD_MAX_MS = 20_000;

/** What somebody does who wants to look elsewhere. */
const INPUTS = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;

/**
 * Keeps the list at a place until its rows have their height, or until somebody scrolls. Counts frames and not time, for
 * on a slow machine rows come late. Answers with what ends it early.
 */
function hold(scroller: HTMLElement, scroll: () => void, done: () => void): () => void {
  const until = performance.now() + HOLD_MAX_MS;
  let height = scroller.scrollHeight;
  let left = FRAMES;
  let frame = 0;
  const end = () => {
    cancelAnimationFrame(frame);
    for (const input of INPUTS) window.removeEventListener(input, over);
  };
  const over = () => {
    end();
    done();
  };
  const look = () => {
    if (scroller.scrollHeight !== height) {
      height = scroller.scrollHeight;
      left = FRAMES;
    }
    if (left % FRAMES_EACH === 0) scroll();
    left -= 1;
    if (left < 0 || performance.now() > until) over();
    else frame = requestAnimationFrame(look);
  };
  for (const input of INPUTS) window.addEventListener(input, over, { passive: true });
  frame = requestAnimationFrame(look);
  return end;
}

/**
 * Where the list opens: at its end, or at what is new. The place is held while rows get their height, unless one is sent
 * `elsewhere`. Answers also whether it has come to rest.
 */
export function useOpening(
  list: RefObject<VirtuosoHandle | null>,
  scroller: HTMLElement | null,
  firstNew: number | null,
  elsewhere: boolean,
): { opening: FlatIndexLocationWithAlign; settled: boolean } {
  const [opening] = useState<FlatIndexLocationWithAlign>(() =>
    firstNew === null ? { index: 'LAST', align: 'end' } : { index: firstNew, align: 'center' },
  );
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (elsewhere || settled || !scroller) return;
    return hold(
      scroller,
      () => list.current?.scrollToIndex(opening),
      () => setSettled(true),
    );
  }, [list, scroller, opening, elsewhere, settled]);
  return { opening, settled: settled || elsewhere };
}

/** Brings a row to the middle of the list, whatever is loaded above it meanwhile. */
export function useSeek(
  list: RefObject<VirtuosoHandle | null>,
  scroller: HTMLElement | null,
  rows: readonly Row[],
  target: SeekTarget | null,
): void {
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  }, [rows]);
  useEffect(() => {
    if (!target || !scroller) return;
    const seek = () => {
      const index = latest.current.findIndex((row) => row.key === target.key);
      if (index >= 0) list.current?.scrollToIndex({ index, align: 'center' });
    };
    return hold(scroller, seek, () => undefined);
  }, [list, scroller, target]);
}
