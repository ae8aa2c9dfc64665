import { ofShard } from './condition';
import { SLOTS, type Redis } from './picture';
import css from './slot-ring.module.css';
import { count } from './words';

const SIZE = 240;
const OUTER = 112;
const INNER = 78;

/** What separates two shards, in parts of the circle. */
const GAP = 0.004;

interface Props {
  readonly redis: Redis;
  readonly pointed: number | null;
  readonly onPoint: (shard: number | null) => void;
}

/** All slots as a ring, each shard's part of it in the colour of its health; what nobody owns stays open. */
export function SlotRing({ redis, pointed, onPoint }: Props) {
  const owned = SLOTS - redis.slotsUncovered;
  return (
    <svg
      className={css.ring}
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      role="img"
      aria-label={`${owned} of ${SLOTS} slots owned`}
    >
      <circle className={css.open} cx={SIZE / 2} cy={SIZE / 2} r={(OUTER + INNER) / 2} strokeWidth={OUTER - INNER} />
      {redis.shards.map((shard, index) => (
        <g
          key={shard.master.address}
          className={css.shard}
          data-tone={ofShard(shard).tone}
          data-pointed={pointed === index}
          onPointerEnter={() => onPoint(index)}
          onPointerLeave={() => onPoint(null)}
        >
          {shard.slots.map(([first, last]) => (
            <path key={first} d={arc(first / SLOTS, (last + 1) / SLOTS)} />
          ))}
          <Label shard={index + 1} slots={shard.slots} />
        </g>
      ))}
      <text className={css.sum} x={SIZE / 2} y={SIZE / 2 + 2}>
        {count(owned)}
      </text>
      <text className={css.unit} x={SIZE / 2} y={SIZE / 2 + 22}>
        slots owned
      </text>
    </svg>
  );
}

/** The shard's number, in the middle of its longest range, where it is long enough for one. */
function Label({ shard, slots }: { readonly shard: number; readonly slots: readonly (readonly [number, number])[] }) {
  const longest = slots.toSorted((a, b) => b[1] - b[0] - (a[1] - a[0]))[0];
  if (!longest || longest[1] - longest[0] < SLOTS / 30) return null;
  const [x, y] = at((longest[0] + longest[1] + 1) / 2 / SLOTS, (OUTER + INNER) / 2);
  return (
    <text className={css.number} x={x} y={y}>
      {shard}
    </text>
  );
}

function at(part: number, radius: number): readonly [number, number] {
  const angle = (part - 0.25) * 2 * Math.PI;
  return [SIZE / 2 + radius * Math.cos(angle), SIZE / 2 + radius * Math.sin(angle)];
}

function arc(from: number, to: number): string {
  // A full circle would have its ends at one point, and be nothing.
  const room = Math.min(GAP, (to - from) / 4);
  const [start, end] = [from + room / 2, Math.min(to - room / 2, from + 0.9999)];
  const large = end - start > 0.5 ? 1 : 0;
  const point = (part: number, radius: number) =>
    at(part, radius)
      .map((value) => value.toFixed(2))
      .join(' ');
  return [
    `M ${point(start, OUTER)}`,
    `A ${OUTER} ${OUTER} 0 ${large} 1 ${point(end, OUTER)}`,
    `L ${point(end, INNER)}`,
    `A ${INNER} ${INNER} 0 ${large} 0 ${point(start, INNER)}`,
    'Z',
  ].join(' ');
}
