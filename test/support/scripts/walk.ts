import { expect } from 'vitest';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { loadScript } from '../../../src/limiter/redis/script.ts';
import type { ScriptHost } from '../../../src/simulation/scripts/command.ts';
import type { ScriptEngine } from '../../../src/simulation/scripts/engine.ts';
import type { ScriptResult } from '../../../src/simulation/scripts/result.ts';
import { NEVER, Store } from '../../../src/simulation/scripts/store.ts';
import { type Call, Calls } from './calls.ts';
import type { FrozenServer } from './frozen-server.ts';

/** The scripts whose buckets are the same keys, so that each meets what the others left. */
const OF_BUCKETS = [
  ...['take', 'take-each', 'take-all', 'peek', 'refund', 'reset', 'lease', 'reserve', 'extend', 'settle'],
  ...['rehome-close', 'rehome-leave', 'rehome-open', 'rehome-cancel'],
];
const FAMILIES = [OF_BUCKETS, ['active-take', 'active-read', 'active-merge'], ['article']];

/** Whose work a script goes on with: without it most of its calls would find nothing. */
const BEFORE: Readonly<Record<string, string>> = {
  extend: 'reserve',
  settle: 'reserve',
  'rehome-leave': 'lease',
  'rehome-open': 'rehome-close',
  'rehome-cancel': 'rehome-close',
  'active-read': 'active-take',
};

/** All scripts of `lua/`. */
export const SCRIPTS = FAMILIES.flat();

const STEPS_PER_STORE = 200;
const GARBAGE_MS = 3_000;
const START_US = 1_764_354_000_000_000;

/** What happened in the calls of one script. */
export interface ScriptCounts {
  replies: number;
  errors: number;
  writes: number;
  /** Keys that were over when a script or a test asked for them. */
  expired: number;
}

interface Walk {
  readonly server: FrozenServer;
  readonly engine: ScriptEngine;
  readonly script: string;
  readonly steps: number;
  readonly seed: number;
}

/**
 * Makes random calls of one script, and of those that share its keys, at a server and in the simulation, under a clock that
 * jumps both ways. Throws at the first difference of a reply, a stored value or an expiry.
 */
export async function walkScript({ server, engine, script, steps, seed }: Walk): Promise<ScriptCounts> {
  const counts: ScriptCounts = { replies: 0, errors: 0, writes: 0, expired: 0 };
  const family = FAMILIES.find((each) => each.includes(script)) ?? [];
  for (const name of family) await server.client.script('LOAD', loadScript(name).source);
  for (let from = 0; from < steps; from += STEPS_PER_STORE) {
    const tag = `${script}:${seed}:${from}`;
    const random = makeRandom(seed, tag);
    const segment = new Segment({
      server,
      engine,
      random,
      family,
      script,
      counts,
      calls: new Calls(random, tag),
    });
    await segment.steps(Math.min(STEPS_PER_STORE, steps - from));
  }
  return counts;
}

interface Parts {
  readonly server: FrozenServer;
  readonly engine: ScriptEngine;
  readonly random: Random;
  readonly calls: Calls;
  readonly family: readonly string[];
  readonly script: string;
  readonly counts: ScriptCounts;
}

/** Calls at the keys of one store, which were new. */
class Segment {
  readonly #parts: Parts;
  readonly #store = new Store();
  #replica = new Store();
  #clockUs = START_US;
  #replicationId = '';

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async steps(steps: number): Promise<void> {
    const { server, calls, script } = this.#parts;
    await this.#restart();
    for (let done = 0; done < steps; ) {
      if (calls.upTo(50) === 0) await this.#restart();
      this.#clockUs = Math.max(0, this.#clockUs + jumpUs(this.#parts.random));
      calls.clockUs = this.#clockUs;
      server.setClockUs(this.#clockUs);
      const batch = Array.from({ length: 1 + calls.upTo(12) }, () => this.#draw());
      await this.#compare(batch);
      done += batch.filter((call) => 'script' in call && call.script === script).length;
    }
    await server.client.unlink(...calls.allKeys().buckets, ...calls.allKeys().others);
  }

  /** As a server that starts again, or is promoted. */
  async #restart(): Promise<void> {
    const { client } = this.#parts.server;
    await client.call('DEBUG', 'CHANGE-REPL-ID');
    this.#replicationId = /master_replid:(\w+)/.exec(await client.info('replication'))?.[1] ?? '';
    this.#replica = this.#store.copy();
    this.#store.takeEffects();
  }

  /** A call, or rarely another value in the place of a bucket. */
  #draw(): Call | Garbage {
    const { calls, script, family } = this.#parts;
    if (family === OF_BUCKETS && calls.upTo(100) === 0) return { key: calls.bucket(), value: garbage(calls) };
    const before = BEFORE[script] ?? script;
    return calls.draw(calls.upTo(10) < 6 ? script : calls.pick([before, before, calls.pick(family)]));
  }

  async #compare(batch: readonly (Call | Garbage)[]): Promise<void> {
    const pipeline = this.#parts.server.client.pipeline();
    const wanted: { readonly of: unknown; readonly want: unknown }[] = [];
    for (const each of batch) {
      if ('script' in each) {
        const { sha } = loadedScript(each.script);
        wanted.push({ of: each, want: this.#run(each) });
        pipeline.callBuffer('EVALSHA', sha, each.keys.length, ...each.keys, ...each.args);
      } else {
        const expireAtMs = Math.floor(this.#clockUs / 1000) + GARBAGE_MS;
        this.#store.write({ type: 'set', ...each, expireAtMs });
        wanted.push({ of: each, want: 'OK' });
        pipeline.callBuffer('SET', each.key, Buffer.from(each.value, 'latin1'), 'PX', GARBAGE_MS);
      }
      for (const key of new Set('script' in each ? each.keys : [each.key]))
        for (const { command, want } of this.#look(key)) {
          wanted.push({ of: [each, command], want });
          const [name = '', ...args] = command;
          pipeline.callBuffer(name, ...args);
        }
    }
    const replies = (await pipeline.exec()) ?? [];
    for (const [i, [error, reply]] of replies.entries()) {
      const found = error === null ? plain(reply) : wordsOfRedis(error.message);
      const want = plain(wanted[i]?.want);
      if (JSON.stringify(found) !== JSON.stringify(want))
        expect({ of: wanted[i]?.of, found, at: this.#clockUs }).toEqual({
          of: wanted[i]?.of,
          found: want,
          at: this.#clockUs,
        });
    }
    for (const effect of this.#store.takeEffects()) this.#replica.apply(effect);
    if (this.#parts.calls.upTo(50) === 0) expect(this.#replica.dump()).toEqual(this.#store.dump());
  }

  /** What the simulation replies. */
  #run(call: Call): unknown {
    const { engine, counts, script, calls } = this.#parts;
    const host: ScriptHost = {
      store: this.#store,
      clockUs: this.#clockUs,
      replicationId: this.#replicationId,
      isReplica: false,
    };
    const { size } = this.#store;
    const result: ScriptResult = engine.run(loadedScript(call.script), call.keys, call.args, host);
    if (call.script === 'active-read' && 'values' in result) calls.life = String(result.values[0]);
    const effects = this.#store.takeEffects();
    for (const effect of effects) this.#replica.apply(effect);
    if (call.script === script) {
      counts['values' in result ? 'replies' : 'errors']++;
      if (effects.length > 0) counts.writes++;
    }
    counts.expired += Math.max(0, size - this.#store.size);
    return 'values' in result ? result.values : result.error;
  }

  /** The commands that show a key at a server, and what they would reply here. */
  #look(key: string): { readonly command: readonly string[]; readonly want: unknown }[] {
    const entry = this.#store.find(key, { nowMs: Math.floor(this.#clockUs / 1000), isReplica: false });
    const expiry = entry === undefined ? -2 : entry.expireAtMs === NEVER ? -1 : entry.expireAtMs;
    const shown = [{ command: ['PEXPIRETIME', key], want: expiry }];
    if (entry?.type === 'hash')
      return [...shown, { command: ['HGETALL', key], want: [...entry.value].flat() }];
    if (entry?.type === 'stream') {
      const first = entry.value
        .range({ ms: 0, seq: 0 }, entry.value.last, 3)
        .map(({ ms, seq, fields }) => [`${ms}-${seq}`, fields]);
      return [
        ...shown,
        { command: ['XLEN', key], want: entry.value.length },
        { command: ['XRANGE', key, '-', '+', 'COUNT', '3'], want: first },
      ];
    }
    return [...shown, { command: ['GET', key], want: entry?.value ?? null }];
  }
}

interface Garbage {
  readonly key: string;
  readonly value: string;
}

/** Values of earlier versions, and values that are none. */
function garbage(calls: Calls): string {
  const doubles = Array.from({ length: calls.upTo(8) }, () =>
    calls.pick([0, 1, 3, 5, 4_000_000, calls.clockUs]),
  );
  const bytes = Buffer.alloc(8 * doubles.length + calls.upTo(2));
  for (const [i, value] of doubles.entries()) bytes.writeDoubleLE(value, 8 * i);
  if (bytes.length % 8 === 1) bytes.writeUInt8(calls.pick([0, 1, 2, 3, 200, 254, 255]), bytes.length - 1);
  return bytes.toString('latin1');
}

const loaded = new Map<string, ReturnType<typeof loadScript>>();

function loadedScript(name: string): ReturnType<typeof loadScript> {
  const known = loaded.get(name) ?? loadScript(name);
  loaded.set(name, known);
  return known;
}

/** Mostly on by less than the buckets need to fill; rarely far, and back. */
function jumpUs(random: Random): number {
  const kind = random();
  if (kind < 0.1) return 0;
  if (kind < 0.5) return Math.floor(random() * 300_000);
  if (kind < 0.8) return Math.floor(random() * 4_000_000);
  if (kind < 0.9) return -Math.floor(random() * 3_000_000);
  if (kind < 0.97) return Math.floor(random() * 100_000_000);
  return Math.floor((random() - 0.5) * 1e13);
}

/** Valkey leaves out the name of the library. */
function wordsOfRedis(message: string): string {
  return message.replace(/^ERR Command arguments/, 'ERR Lua redis lib command arguments');
}

/** Bytes as text with one character a byte; numbers as exactly as the client reads them. */
function plain(reply: unknown): unknown {
  if (typeof reply === 'number') return Number.isSafeInteger(reply) ? reply : reply.toPrecision(14);
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  return Array.isArray(reply) ? reply.map(plain) : reply;
}
