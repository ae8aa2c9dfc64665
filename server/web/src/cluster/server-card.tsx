import { useNow } from '../ui/clock';
import { ofServer } from './condition';
import type { Server } from './picture';
import css from './server-card.module.css';
import { Sparkline } from './sparkline';
import { count, rate, span } from './words';

interface Props {
  readonly server: Server;
  /** It is the one that this page was asked for from. */
  readonly here: boolean;
  /** The most connections and deliveries that any server had: all lines have one scale, so that they compare. */
  readonly most: { readonly connections: number; readonly deliveries: number };
  /** The sum of all servers. */
  readonly connections: number;
  /** How far apart the samples of the lines are. */
  readonly sampleMs: number;
}

export function ServerCard({ server, here, most, connections, sampleMs }: Props) {
  const now = useNow();
  const { tone, word } = ofServer(server);
  const share = connections > 0 ? (server.connections / connections) * 100 : 0;
  const fill = server.connectionsMax > 0 ? (server.connections / server.connectionsMax) * 100 : 0;
  const past = span(sampleMs * 60);
  return (
    <li className={css.card} data-tone={tone} tabIndex={0} aria-label={`Server ${server.node}, ${word}`}>
      <header className={css.head}>
        <h3 className={css.name} title={server.node}>
          {server.node}
        </h3>
        {here && <span className={css.here}>you are here</span>}
        <span className={css.state}>{word}</span>
      </header>
      <p className={css.connections}>
        <strong>{count(server.connections)}</strong> connections
        <span className={css.share}>{share.toFixed(0)} % of all</span>
      </p>
      <div
        className={css.bar}
        role="meter"
        aria-label="Connections of those it takes"
        aria-valuemin={0}
        aria-valuemax={server.connectionsMax}
        aria-valuenow={server.connections}
        style={{ '--fill': `${Math.min(fill, 100)}%`, '--share': `${share}%` }}
      >
        <span className={css.filled} />
      </div>
      <div className={css.lines}>
        <figure>
          <Sparkline
            values={server.lines.connections}
            most={most.connections}
            label={`Connections in the last ${past}`}
          />
          <figcaption>connections, {past}</figcaption>
        </figure>
        <figure>
          <Sparkline
            values={server.lines.deliveries}
            most={most.deliveries}
            label={`Deliveries a second in the last ${past}`}
          />
          <figcaption>{rate(server.deliveries)} deliveries/s</figcaption>
        </figure>
      </div>
      <dl className={css.facts}>
        <div>
          <dt>rooms</dt>
          <dd>{count(server.rooms)}</dd>
        </div>
        <div>
          <dt>sends/s</dt>
          <dd>{rate(server.sends)}</dd>
        </div>
        <div>
          <dt>accepts/s</dt>
          <dd>{rate(server.accepts)}</dd>
        </div>
        <div>
          <dt>up</dt>
          <dd>{span(now - server.startedAt)}</dd>
        </div>
      </dl>
      <footer className={css.foot}>
        <span title="Where other servers reach it">{server.address}</span>
        <span title="Its build">{server.build}</span>
        <span title="This run of it">{server.boot.slice(0, 8)}</span>
        <span className={css.heard} title="When it was last heard">
          {span(server.ageMs)} ago
        </span>
      </footer>
    </li>
  );
}
