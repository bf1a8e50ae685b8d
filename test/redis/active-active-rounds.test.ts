import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { connectIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import type { TextPort } from '../../src/limiter/redis/port.ts';
import { regionKeys } from '../../src/limiter/strategies/active-active/keys.ts';
import { Replicator } from '../../src/limiter/strategies/active-active/replicator.ts';
import { systemTime } from '../../src/limiter/system-surroundings.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const AT_A_TIME = 1_500; // more than a batch
const keys = regionKeys('rounds');

let [own, other]: TestServer[] = [];
beforeAll(async () => {
  [own, other] = await Promise.all([startTestServer('redis-server'), startTestServer('redis-server')]);
});
afterAll(() => Promise.all([own?.stop(), other?.stop()]));

/** What the other region spends whenever it is asked, so that its outbox never ends. */
async function spendMore(): Promise<void> {
  const atUs = Date.now() * 1_000;
  const adding = other?.client.pipeline();
  for (let i = 0; i < AT_A_TIME; i++)
    adding?.xadd(
      ...[
        keys.outbox,
        '0-*',
        'b',
        '{rounds}:u:x',
        'c',
        '20',
        'r',
        '1',
        'a',
        `${atUs + i}`,
        'q',
        '1',
        'e',
        '7',
      ],
    );
  await adding?.exec();
}

it('a round ends although the other region spends faster than it is read', async () => {
  await other?.client.hset(keys.region, '.life', '7');
  await spendMore();
  const redis = connectIoredis({ urls: [own?.url ?? ''], commandTimeoutMs: 10_000 });
  const port = connectIoredis({ urls: [other?.url ?? ''], commandTimeoutMs: 10_000 });
  let reads = 0;
  const spending: TextPort = {
    ...{ run: port.run.bind(port), ready: () => port.ready(), close: () => port.close() },
    async runText(...args) {
      const reply = await port.runText(...args);
      reads++;
      await spendMore();
      return reply;
    },
  };
  const rules = { keys, merge: 'spends', maxAgeUs: 60_000_000, everyMs: 1, time: systemTime } as const;
  const replicator = new Replicator({ redis, others: new Map([['other', spending]]), ...rules });
  try {
    replicator.start();
    await vi.waitUntil(() => replicator.progressOf('other').rounds === 1, { interval: 1, timeout: 15_000 });
    expect(reads).toBeLessThanOrEqual(4); // two batches, and what the next round has begun
    expect(await own?.client.hget(keys.region, 'other')).toMatch(/^\d+$/);
    expect(replicator.progressOf('other').missed).toBe(0);
  } finally {
    await Promise.all([replicator.stop(), redis.close(), port.close()]);
  }
});
