import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { makeRandom } from '../../../src/core/prng.ts';
import type { ScriptEngine } from '../../../src/simulation/scripts/engine.ts';
import { Store } from '../../../src/simulation/scripts/store.ts';
import type { FrozenServer } from './frozen-server.ts';

const SOURCE = `redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], ARGV[2], unpack(ARGV, 3))
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return { redis.call('XLEN', KEYS[1]), first and first[1] or '' }`;
const SCRIPT = { name: 'trim', source: SOURCE, sha: createHash('sha1').update(SOURCE).digest('hex') };

interface Trims {
  readonly server: FrozenServer;
  readonly engine: ScriptEngine;
  readonly entries: number;
  readonly seed: number;
}

/**
 * Adds entries of random fields to streams that are trimmed inexactly, and rarely exactly; throws where the length or the
 * first entry differs. What an inexact trim leaves depends on the bytes of every entry.
 */
export async function compareTrims({ server, engine, entries, seed }: Trims): Promise<void> {
  const random = makeRandom(seed, 'trims');
  const upTo = (most: number) => Math.floor(random() * most);
  const [store, replica] = [new Store(), new Store()];
  const on = { store, clockUs: 1_764_354_000_000_000, replicationId: '', isReplica: false };
  const numbers = [0, 1, -1, 127, 128, 4095, -4096, 4096, 40_000, 9e6, 3e9, 2 ** 40, -(2 ** 50)];
  const drawText = () => {
    if (upTo(2) === 0) return String(numbers[upTo(numbers.length)] ?? 0);
    return 'x'.repeat(upTo([8, 70, 200, 5_000][upTo(100) === 0 ? 3 : upTo(3)] ?? 8));
  };
  let longest = 0;
  for (let i = 0; i < entries; i++) {
    const keys = [`trims:${upTo(2)}`];
    const names = upTo(5) === 0 ? ['a', drawText()] : ['a', 'b', 'c'];
    const trim = upTo(50) === 0 ? '=' : '~';
    const most = upTo(200) === 0 ? upTo(50) : 200 + upTo(200);
    const args = [trim, String(most), '0-*', ...names.flatMap((name) => [name, drawText()])];
    const found = await server.client.eval(SOURCE, 1, ...keys, ...args);
    const result = engine.run(SCRIPT, keys, args, on);
    expect('values' in result ? result.values : result, `entry ${i}`).toEqual(found);
    longest = Math.max(longest, Number((found as number[])[0]));
    for (const effect of store.takeEffects()) replica.apply(effect);
  }
  expect(longest).toBeGreaterThan(150);
  expect(replica.dump()).toEqual(store.dump());
}
