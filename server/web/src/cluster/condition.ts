// What one should know at a glance: the one line at the head of the page, and the colour of each thing on it.

import type { Health, Picture, Server, Shard } from './picture';

export type Tone = 'good' | 'busy' | 'warn' | 'bad';

/** An entry is written every two seconds; after this, it was missed more than once. */
const LATE_MS = 6_000;

export interface Condition {
  readonly tone: Tone;
  readonly word: string;
}

export function ofServer(server: Server): Condition {
  if (server.ageMs > LATE_MS) return { tone: 'warn', word: 'not heard' };
  if (server.state === 'serving') return { tone: 'good', word: 'serving' };
  if (server.state === 'draining') return { tone: 'busy', word: 'draining' };
  return { tone: 'warn', word: server.state || 'unknown' };
}

export function ofHealth(health: Health): Condition {
  switch (health) {
    case 'online':
      return { tone: 'good', word: 'online' };
    case 'suspected':
      return { tone: 'warn', word: 'suspected' };
    case 'failed':
      return { tone: 'bad', word: 'failed' };
  }
}

export function ofShard(shard: Shard): Condition {
  if (shard.master.health !== 'online') return ofHealth(shard.master.health);
  const following = shard.replicas.filter((replica) => replica.health === 'online').length;
  if (following === 0) return { tone: 'warn', word: 'no replica' };
  if (following < shard.replicas.length) return { tone: 'warn', word: 'replica missing' };
  return { tone: 'good', word: 'replicated' };
}

/** Everything that is not as it should be, the worst first; empty where all is well. */
export function troubles(picture: Picture): readonly Condition[] {
  const found: Condition[] = [];
  const { redis, servers } = picture;
  if (redis?.trouble) found.push({ tone: 'bad', word: `Redis: ${redis.trouble}` });
  else if (redis && redis.shards.length === 0) found.push({ tone: 'bad', word: 'Redis has not answered yet' });
  else if (redis && redis.slotsUncovered > 0) {
    found.push({ tone: 'bad', word: `${redis.slotsUncovered} slots of Redis have no owner` });
  }
  for (const [index, shard] of (redis?.shards ?? []).entries()) {
    const { tone, word } = ofShard(shard);
    if (tone !== 'good') found.push({ tone, word: `shard ${index + 1}: ${word}` });
  }
  for (const process of redis?.aside ?? []) {
    found.push({ tone: ofHealth(process.health).tone, word: `${process.address} owns nothing and follows nobody` });
  }
  if (picture.registryAgeMs === null || picture.registryAgeMs > 2 * LATE_MS) {
    found.push({ tone: 'warn', word: 'the registry of servers does not answer: its last copy is shown' });
  } else {
    for (const server of servers) {
      const { tone, word } = ofServer(server);
      if (tone !== 'good') found.push({ tone, word: `${server.node}: ${word}` });
    }
  }
  const order: readonly Tone[] = ['bad', 'warn', 'busy', 'good'];
  return found.toSorted((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone));
}
