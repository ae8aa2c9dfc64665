import { useState } from 'react';
import css from './cluster-page.module.css';
import { troubles, type Tone } from './condition';
import type { Picture, Redis } from './picture';
import { ServerCard } from './server-card';
import { Box, ShardRow } from './shard-row';
import { SlotRing } from './slot-ring';
import { usePicture } from './use-picture';
import { count, rate, span } from './words';

export function ClusterPage() {
  const { picture, lostAt } = usePicture();
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1>Cluster</h1>
        <Glance picture={picture} lostAt={lostAt} />
      </header>
      {picture && (
        <main className={css.main} aria-busy={lostAt !== null} data-lost={lostAt !== null}>
          <Servers picture={picture} />
          {picture.redis ? <Shards redis={picture.redis} /> : <Memory />}
        </main>
      )}
    </div>
  );
}

/** One line for who looks for a second: all is well, or what is not. */
function Glance({ picture, lostAt }: { readonly picture: Picture | null; readonly lostAt: number | null }) {
  const found = picture ? troubles(picture) : [];
  const worst = found[0];
  let tone: Tone = worst?.tone ?? 'good';
  let words = 'All is well';
  if (lostAt !== null) {
    tone = 'bad';
    words = picture
      ? `This server does not answer; shown is the state of ${clock(lostAt)}`
      : 'This server does not answer';
  } else if (!picture) {
    words = 'Looking…';
  } else if (worst) {
    words = found.length > 1 ? `${worst.word}, and ${found.length - 1} more` : worst.word;
  }
  return (
    <p className={css.glance} data-tone={tone} role="status" title={found.map(({ word }) => word).join('\n')}>
      <span className={css.dot} aria-hidden="true" />
      <span>{words}</span>
    </p>
  );
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

function Servers({ picture }: { readonly picture: Picture }) {
  const { servers } = picture;
  const sum = (of: (server: (typeof servers)[number]) => number) => servers.reduce((all, one) => all + of(one), 0);
  const most = {
    connections: Math.max(1, ...servers.flatMap((server) => server.lines.connections)),
    deliveries: Math.max(1, ...servers.flatMap((server) => server.lines.deliveries)),
  };
  const connections = sum((server) => server.connections);
  return (
    <section aria-labelledby="servers">
      <div className={css.title}>
        <h2 id="servers">Servers</h2>
        <p>
          <b>{servers.length}</b> with <b>{count(connections)}</b> connections, <b>{rate(sum((one) => one.sends))}</b>{' '}
          sends and <b>{rate(sum((one) => one.deliveries))}</b> deliveries a second
        </p>
        <p className={css.age}>
          {picture.registryAgeMs === null ? 'registry: no answer yet' : `registry: ${span(picture.registryAgeMs)} ago`}
        </p>
      </div>
      <ul className={css.cards}>
        {servers.map((server) => (
          <ServerCard
            key={server.boot}
            server={server}
            here={server.node === picture.node}
            most={most}
            connections={connections}
            sampleMs={picture.sampleMs}
          />
        ))}
      </ul>
    </section>
  );
}

function Shards({ redis }: { readonly redis: Redis }) {
  const [pointed, setPointed] = useState<number | null>(null);
  const processes = redis.shards.reduce((all, shard) => all + 1 + shard.replicas.length, redis.aside.length);
  return (
    <section aria-labelledby="redis">
      <div className={css.title}>
        <h2 id="redis">Redis</h2>
        <p>
          <b>{redis.shards.length}</b> shards on <b>{processes}</b> processes
        </p>
        <p className={css.age}>epoch {count(redis.epoch)}</p>
      </div>
      <div className={css.redis}>
        <SlotRing redis={redis} pointed={pointed} onPoint={setPointed} />
        <ul className={css.shards}>
          {redis.shards.map((shard, index) => (
            <ShardRow
              key={shard.slots[0]?.[0] ?? shard.master.address}
              number={index + 1}
              shard={shard}
              pointed={pointed === index}
              onPoint={(on) => setPointed(on ? index : null)}
            />
          ))}
          {redis.aside.length > 0 && (
            <li className={css.aside}>
              <span>aside</span>
              {redis.aside.map((process) => (
                <Box key={process.address} process={process} role="aside" />
              ))}
            </li>
          )}
        </ul>
      </div>
    </section>
  );
}

function Memory() {
  return (
    <section aria-labelledby="redis">
      <div className={css.title}>
        <h2 id="redis">Redis</h2>
      </div>
      <p className={css.memory}>None: the rooms are in the memory of this server, and end with it.</p>
    </section>
  );
}
