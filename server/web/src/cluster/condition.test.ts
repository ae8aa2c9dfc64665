import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { ofServer, ofShard, troubles } from './condition';
import { parsePicture, type Process } from './picture';

const good: Process = { address: 'a:1', health: 'online' };
const failed: Process = { address: 'b:1', health: 'failed' };

describe('a shard', () => {
  const slots = [[0, 16_383]] as const;
  test('is as well as its master, then as its replicas', () => {
    expect(ofShard({ slots, master: good, replicas: [good] }).tone).toBe('good');
    expect(ofShard({ slots, master: failed, replicas: [good] })).toEqual({ tone: 'bad', word: 'failed' });
    expect(ofShard({ slots, master: good, replicas: [] }).word).toBe('no replica');
    expect(ofShard({ slots, master: good, replicas: [failed] }).word).toBe('no replica');
    expect(ofShard({ slots, master: good, replicas: [good, failed] }).word).toBe('replica missing');
  });
});

test('a server that was not heard is not said to serve', () => {
  const picture = parsePicture({ servers: [{ node: 'a', state: 'serving', age_ms: 7_000 }, { state: 'serving' }] });
  expect(picture.servers.map((server) => ofServer(server).word)).toEqual(['not heard', 'serving']);
});

test('the worst is said first', () => {
  const picture = parsePicture({
    registry_age_ms: 10,
    servers: [{ node: 'n1', state: 'draining' }],
    redis: {
      shards: [
        { slots: [[0, 8_191]], master: good, replicas: [] },
        { slots: [[8_192, 16_383]], master: failed, replicas: [good] },
      ],
    },
  });
  expect(troubles(picture).map(({ word }) => word)).toEqual(['shard 2: failed', 'shard 1: no replica', 'n1: draining']);
  expect(troubles(parsePicture({ registry_age_ms: 10, redis: { slots_uncovered: 16_384 } }))[0]?.tone).toBe('bad');
});

test('no JSON breaks the page', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      troubles(parsePicture(json));
      troubles(parsePicture({ servers: json, redis: json }));
      troubles(parsePicture({ servers: [json], redis: { shards: [json], aside: [json] } }));
    }),
  );
});
