import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/checker/check.ts';
import { type Bucket, fullBucket, take } from '../../src/core/bucket.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import type { HistoryRecord } from '../../src/history/records/operation.ts';
import { boundOf } from '../../src/limiter/strategies/bounds.ts';
import { historyOf, type OperationPart } from '../support/history.ts';

const POLICY = '20:5/s';
const S = 1_000_000;
const NODES = ['a', 'b', 'c'] as const;
const BUCKETS = ['x', 'y'] as const;

type Node = (typeof NODES)[number];
type State = Record<string, Bucket>;

/**
 * Sentinels and three nodes, drawn: the primary is cut off and goes on, one of the others is promoted with a state that
 * lags, the former primary is demoted late and copies the new one, and all that again, also before it is demoted.
 */
class Drawn {
  readonly parts: OperationPart[] = [];
  readonly records: HistoryRecord[] = [];
  readonly #random: Random;
  readonly #policy = parsePolicy(POLICY);
  #primary: Node = 'a';
  /** Former primaries that do not know it, and when they are demoted. */
  readonly #former = new Map<Node, number>();
  readonly #states = new Map<Node, State>(NODES.map((node) => [node, {}]));
  /** What replicas have: the primary's states, with their times. */
  #log: { us: number; state: State }[] = [];

  readonly #demotedS: number;

  constructor(seed: number) {
    this.#random = makeRandom(seed, 'two primaries');
    this.#demotedS = this.#pick([1, 18]);
  }

  run(): this {
    const untilUs = this.#between(15, 45) * S;
    const paceS = this.#pick([2, 20]);
    let failoverUs = this.#between(2, 12) * S;
    for (let us = 0; us < untilUs; us += Math.ceil(this.#random() * 0.04 * S)) {
      for (const [node, demotedUs] of [...this.#former]) if (us >= demotedUs) this.#demote(node, us);
      if (us >= failoverUs) {
        this.#failOver(us);
        failoverUs = us + this.#between(1, paceS) * S;
      }
      if (this.#random() < 0.002) this.#restartEmpty(us);
      this.#decide(us);
    }
    return this;
  }

  #between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }

  /** A user is in the region of any primary. */
  #decide(us: number): void {
    const node = this.#pick([this.#primary, ...this.#former.keys()]);
    const bucket = this.#pick(BUCKETS);
    const state = this.#states.get(node) ?? {};
    const costTokens = this.#pick([1, 1, 1, 2, 5]);
    const found = state[bucket] ?? fullBucket(this.#policy, us);
    const { bucket: next, result } = take(found, this.#policy, { costTokens, nowUs: us });
    this.#states.set(node, { ...state, [bucket]: next });
    if (node === this.#primary) this.#log.push({ us, state: { ...state, [bucket]: next } });
    this.parts.push({
      ...{ bucket, cost: costTokens, outcome: result.allowed ? 'allowed' : 'denied' },
      invokedUs: us - Math.floor(this.#random() * 2_000),
      completedUs: us + Math.ceil(this.#random() * 2_000),
      decision: {
        ...{ strategy: 'central', source: 'redis', node },
        ...{ atUs: us, bucketUs: result.bucketUs, level: String(result.levelQuanta) },
      },
    });
  }

  #failOver(us: number): void {
    const replicas = NODES.filter((node) => node !== this.#primary && !this.#former.has(node));
    if (replicas.length === 0) return;
    const old = this.#primary;
    const next = this.#pick(replicas);
    const knownUs = us - this.#between(0, 5) * S;
    this.#states.set(next, { ...this.#log.findLast((entry) => entry.us <= knownUs)?.state });
    this.#primary = next;
    this.#log = [{ us, state: { ...this.#states.get(next) } }];
    const goesOn = this.#random() < 0.7;
    this.#role(next, us, 'replica', 'primary');
    if (goesOn) this.#former.set(old, us + this.#between(0, this.#demotedS) * S);
    else this.#role(old, us, 'primary', 'replica');
  }

  /** It copies the primary; until it is promoted its own state does not matter. */
  #demote(node: Node, us: number): void {
    this.#former.delete(node);
    this.#role(node, us, 'primary', 'replica');
  }

  #restartEmpty(us: number): void {
    const node = this.#pick([this.#primary, ...this.#former.keys()]);
    this.#states.set(node, {});
    if (node === this.#primary) this.#log = [{ us, state: {} }];
    this.#role(node, us, 'primary', 'down');
    this.#role(node, us, 'down', 'primary');
    const atUs = us + 10;
    this.records.push({ type: 'event', event: 'restart', node, atUs, args: { empty: true } });
  }

  /** Roles are polled; at a change the connection closes, so that the node may look silent first. */
  #role(node: Node, us: number, from: string, to: string): void {
    const atUs = us + Math.floor(this.#random() * 0.06 * S);
    const slots = to === 'primary' ? '0-16383' : '';
    const event = (at: number, before: string, after: string): HistoryRecord => ({
      ...{ type: 'event', event: 'role', node, atUs: at },
      args: { from: before, to: after, slots: after === 'primary' ? slots : '' },
    });
    const isSilent = from !== 'down' && to !== 'down' && this.#random() < 0.5;
    if (!isSilent) this.records.push(event(atUs, from, to));
    else this.records.push(event(atUs, from, 'down'), event(atUs + 50_000, 'down', to));
  }
}

function judge(seed: number) {
  const { parts, records } = new Drawn(seed).run();
  const sorted = records.toSorted((a, b) => ('atUs' in a ? a.atUs : 0) - ('atUs' in b ? b.atUs : 0));
  const history = historyOf(parts, { policy: POLICY, records: sorted });
  return checkHistory(history, {
    busiest: [],
    boundOf: (policy, episodes) => boundOf('central', policy, episodes),
  });
}

describe('primaries side by side, drawn', () => {
  const SEEDS = Array.from({ length: 150 }, (_, at) => at + 1);

  it('never exceed b + r * overlap for each takeover, and come close to it', { timeout: 120_000 }, () => {
    const shares = SEEDS.flatMap((seed) => {
      const { shards } = judge(seed);
      expect(shards, `seed ${seed}`).toHaveLength(1);
      return shards.map(({ largestExcess: { tokens }, bound, failovers }) => {
        const declared = bound?.totalExcess ?? -1;
        expect(tokens, `seed ${seed}`).toBeLessThanOrEqual(declared);
        return { share: tokens / Math.max(1, declared), failovers: failovers.length };
      });
    });
    expect(Math.max(...shares.map(({ share }) => share))).toBeGreaterThan(0.6);
    expect(shares.filter(({ failovers }) => failovers >= 3).length).toBeGreaterThan(25);
  });
});
