import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { HomesTable } from '../../../src/limiter/homes/table.ts';
import type { Subject } from '../../../src/limiter/limiter.ts';
import { keySlot } from '../../../src/limiter/redis/hash-slot.ts';
import { fromIoredis } from '../../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis } from '../../../src/limiter/redis/node-redis/open.ts';
import type { AckedPort, RedisPort, RedisSource } from '../../../src/limiter/redis/port.ts';
import type { Script } from '../../../src/limiter/redis/script.ts';

/** Two regions, each with half of the slots. */
export const TABLE: HomesTable = {
  format: 'openclaw-homes',
  version: 1,
  regions: { east: { slots: '0-8191' }, west: { slots: '8192-16383' } },
};

/** Whether a key is in the region `east`, the first. */
export const isEast = (key: string) => keySlot(key) < 8_192;

export const CLIENTS = ['ioredis', 'node-redis'] as const;

/** The Redis of a client of a server; `port` is asked again for every connection. */
export function sourceOf(
  client: (typeof CLIENTS)[number],
  port: number,
  commandTimeoutMs = 5_000,
): RedisSource {
  return client === 'ioredis'
    ? fromIoredis(new Redis(port, '127.0.0.1', { lazyConnect: true }), { commandTimeoutMs })
    : fromNodeRedis(createClient({ url: `redis://127.0.0.1:${port}` }), { commandTimeoutMs });
}

/** Two servers without cluster mode as if they were a cluster: the key's slot chooses. */
export function asCluster(east: RedisSource, west: RedisSource): RedisSource {
  const choosing = <Port extends RedisPort>(first: Port, second: Port): RedisPort => ({
    run: (script, keys, args) => portOf(first, second, keys).run(script, keys, args),
    ready: async () => {
      await Promise.all([first.ready(), second.ready()]);
    },
    close: async () => {
      await Promise.all([first.close(), second.close()]);
    },
  });
  return {
    isCluster: true,
    open: () => choosing(east.open(), west.open()),
    openAcked(options): AckedPort {
      const [first, second] = [east.openAcked(options), west.openAcked(options)];
      return {
        ...choosing(first, second),
        runAcked: (script: Script, keys, args) => portOf(first, second, keys).runAcked(script, keys, args),
      };
    },
  };
}

function portOf<Port>(east: Port, west: Port, keys: readonly string[]): Port {
  const sides = new Set(keys.map(isEast));
  if (sides.size > 1) throw new Error(`keys of two slots: ${keys.join(', ')}`);
  return isEast(keys[0] ?? '') ? east : west;
}

/** A rule whose answers a test changes, as an application does once a bucket has moved. */
export class Regions {
  readonly #of = new Map<string, string | undefined>();

  readonly regionOf = ({ user }: Subject): string | undefined =>
    this.#of.has(user) ? this.#of.get(user) : 'east';

  set(user: string, region: string | undefined): void {
    this.#of.set(user, region);
  }
}
