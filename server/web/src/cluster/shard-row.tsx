import { ofHealth, ofShard } from './condition';
import type { Process, Shard } from './picture';
import css from './shard-row.module.css';
import { count } from './words';

interface Props {
  readonly number: number;
  readonly shard: Shard;
  readonly pointed: boolean;
  readonly onPoint: (pointed: boolean) => void;
}

/** A shard: its master, and behind it those who follow. */
export function ShardRow({ number, shard, pointed, onPoint }: Props) {
  const { tone, word } = ofShard(shard);
  const slots = shard.slots.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const ranges = shard.slots.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
  return (
    <li
      className={css.shard}
      data-tone={tone}
      data-pointed={pointed}
      tabIndex={0}
      aria-label={`Shard ${number}, ${word}`}
      onPointerEnter={() => onPoint(true)}
      onPointerLeave={() => onPoint(false)}
      onFocus={() => onPoint(true)}
      onBlur={() => onPoint(false)}
    >
      <span className={css.number}>{number}</span>
      <div className={css.chain}>
        <Box process={shard.master} role="master" />
        {shard.replicas.map((replica) => (
          <Box key={replica.address} process={replica} role="replica" />
        ))}
        {shard.replicas.length === 0 && <span className={css.none}>nobody follows</span>}
      </div>
      <div className={css.facts}>
        <span className={css.word}>{word}</span>
        <span title={ranges}>{count(slots)} slots</span>
      </div>
    </li>
  );
}

export function Box({ process, role }: { readonly process: Process; readonly role: 'master' | 'replica' | 'aside' }) {
  const { tone, word } = ofHealth(process.health);
  return (
    <span className={css.box} data-tone={tone} data-role={role}>
      <span className={css.role}>
        {role}
        {tone !== 'good' && `, ${word}`}
      </span>
      <span className={css.address}>{process.address}</span>
    </span>
  );
}
