// The deployment as /cluster.json tells it. What a newer or older server leaves out has a default: a page outlives a rollout.

export interface Server {
  readonly node: string;
  readonly boot: string;
  readonly address: string;
  readonly build: string;
  readonly startedAt: number;
  readonly state: string;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly rooms: number;
  readonly sends: number;
  readonly deliveries: number;
  readonly accepts: number;
  readonly ageMs: number;
  readonly lines: { readonly connections: readonly number[]; readonly deliveries: readonly number[] };
}

export type Health = 'online' | 'suspected' | 'failed';

export interface Process {
  readonly address: string;
  readonly health: Health;
}

export interface Shard {
  readonly slots: readonly (readonly [number, number])[];
  readonly master: Process;
  readonly replicas: readonly Process[];
}

export interface Redis {
  /** Why it does not answer; then the rest is as old as its last answer. */
  readonly trouble: string | null;
  readonly epoch: number;
  readonly slotsUncovered: number;
  readonly shards: readonly Shard[];
  readonly aside: readonly Process[];
}

export interface Picture {
  readonly node: string;
  readonly registryAgeMs: number | null;
  readonly sampleMs: number;
  readonly servers: readonly Server[];
  readonly redis: Redis | null;
}

export const SLOTS = 16_384;

export function parsePicture(json: unknown): Picture {
  const it = object(json);
  return {
    node: text(it.node),
    registryAgeMs: typeof it.registry_age_ms === 'number' ? it.registry_age_ms : null,
    sampleMs: number(it.sample_ms, 5_000),
    servers: list(it.servers).map(server),
    redis: it.redis === null || it.redis === undefined ? null : redis(object(it.redis)),
  };
}

function server(json: unknown): Server {
  const it = object(json);
  const rates = object(it.rates);
  const lines = object(it.lines);
  return {
    node: text(it.node),
    boot: text(it.boot),
    address: text(it.address),
    build: text(it.build),
    startedAt: number(it.started_at),
    state: text(it.state),
    connections: number(it.connections),
    connectionsMax: number(it.connections_max),
    rooms: number(it.rooms),
    sends: number(rates.sends),
    deliveries: number(rates.deliveries),
    accepts: number(rates.accepts),
    ageMs: number(it.age_ms),
    lines: {
      connections: list(lines.connections).map((value) => number(value)),
      deliveries: list(lines.deliveries).map((value) => number(value)),
    },
  };
}

function redis(it: Record<string, unknown>): Redis {
  return {
    trouble: typeof it.trouble === 'string' ? it.trouble : null,
    epoch: number(it.epoch),
    slotsUncovered: number(it.slots_uncovered),
    shards: list(it.shards).map((json) => {
      const shard = object(json);
      return {
        slots: list(shard.slots).map((range) => [number(list(range)[0]), number(list(range)[1])] as const),
        master: process(shard.master),
        replicas: list(shard.replicas).map(process),
      };
    }),
    aside: list(it.aside).map(process),
  };
}

function process(json: unknown): Process {
  const it = object(json);
  const health = it.health === 'online' || it.health === 'suspected' ? it.health : 'failed';
  return { address: text(it.address), health };
}

function object(json: unknown): Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {};
}

function list(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

function text(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

function number(json: unknown, otherwise = 0): number {
  return typeof json === 'number' && Number.isFinite(json) ? json : otherwise;
}
