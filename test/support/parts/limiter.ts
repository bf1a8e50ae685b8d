import type { Clock } from './clocks.ts';
import type { Plan, Shard } from './plan.ts';

/** What a bucket holds, in whole quanta, and what of it is lent. Never changed, so that a failover can go back to it. */
interface State {
  readonly level: number;
  /** By the clock of its node; it never goes back. */
  readonly atUs: number;
  readonly lent: readonly { readonly quanta: number; readonly untilUs: number; readonly holder: number }[];
}

/** A decision as the limiter answers it. */
export interface Answer {
  readonly isAllowed: boolean;
  readonly node: number;
  /** True time. */
  readonly us: number;
  /** What its node's clock showed. */
  readonly atUs: number;
  readonly bucketUs: number;
  readonly level: number;
}

const LEASE_US = 4_000_000;
const MARGIN_US = 500_000;

/** One policy in whole quanta: so many in a microsecond, in a token, and at most. */
export interface Quanta {
  readonly perUs: number;
  readonly perToken: number;
  readonly most: number;
}

export function quantaOf({ capacity, refill: { tokens, perUs } }: Pick<Plan, 'capacity' | 'refill'>): Quanta {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const common = divisor(tokens, perUs);
  return { perUs: tokens / common, perToken: perUs / common, most: capacity * (perUs / common) };
}

/** The buckets of one shard: an exact token bucket on the clock of the node that has them, one node after the other. */
export class ShardLimiter {
  readonly #shard: Shard;
  readonly #clocks: readonly Clock[];
  readonly #quanta: Quanta;
  #states = new Map<number, State>();
  #answers = new Map<string, Answer>();
  /** What a successor may not know. */
  readonly #log: { readonly us: number; readonly undo: () => void }[] = [];
  #tenure = 0;

  constructor(shard: Shard, clocks: readonly Clock[], quanta: Quanta) {
    [this.#shard, this.#clocks, this.#quanta] = [shard, clocks, quanta];
  }

  /** An answer to a decision of this name that was charged before is given again. */
  take(bucket: number, cost: number, us: number, name?: string): Answer & { readonly isRepeated: boolean } {
    const now = this.#nowAt(us);
    const known = this.#answers.get(name ?? '');
    if (known !== undefined) return { ...known, isRepeated: true };
    const { perToken, most } = this.#quanta;
    const found = this.#refilled(bucket, now.atUs);
    const left = Math.min(most, found.level - cost * perToken);
    const isAllowed = left >= 0;
    const state = isAllowed ? { ...found, level: left } : found;
    this.#set(bucket, us, state);
    const answer = { isAllowed, us, ...now, bucketUs: state.atUs, level: state.level };
    if (isAllowed && name !== undefined) this.#remember(name, us, answer);
    return { ...answer, isRepeated: false };
  }

  nodeAt(us: number): number {
    return this.#nowAt(us).node;
  }

  /** Whether a take would be denied; changes nothing. */
  denies(bucket: number, cost: number, us: number): boolean {
    return this.#refilled(bucket, this.#nowAt(us).atUs).level < cost * this.#quanta.perToken;
  }

  /** Lends up to `wanted` tokens to a holder whose earlier ones are spent, at least `cost` or none. */
  lend(
    bucket: number,
    { holder, cost, wanted }: { holder: number; cost: number; wanted: number },
    us: number,
  ) {
    const now = this.#nowAt(us);
    const { perToken } = this.#quanta;
    const found = this.#refilled(bucket, now.atUs);
    const lent = found.lent.filter((one) => one.untilUs > found.atUs && one.holder !== holder);
    const whole = Math.min(wanted, Math.floor(found.level / perToken));
    const tokens = whole < cost ? 0 : whole;
    const untilUs = found.atUs + LEASE_US;
    const more = tokens === 0 ? [] : [{ quanta: tokens * perToken, untilUs, holder }];
    this.#set(bucket, us, { ...found, level: found.level - tokens * perToken, lent: [...lent, ...more] });
    return { ...now, tokens, forUs: LEASE_US - MARGIN_US };
  }

  reset(bucket: number, us: number): void {
    this.#nowAt(us);
    const before = this.#states.get(bucket);
    this.#states.delete(bucket);
    if (before !== undefined) this.#log.push({ us, undo: () => this.#states.set(bucket, before) });
  }

  #set(bucket: number, us: number, state: State): void {
    const before = this.#states.get(bucket);
    this.#states.set(bucket, state);
    this.#log.push({
      us,
      undo: () => (before === undefined ? this.#states.delete(bucket) : this.#states.set(bucket, before)),
    });
  }

  #remember(name: string, us: number, answer: Answer): void {
    this.#answers.set(name, answer);
    this.#log.push({ us, undo: () => this.#answers.delete(name) });
  }

  /** What is lent is a part of what the bucket may hold. */
  #refilled(bucket: number, nodeUs: number): State {
    const { most, perUs } = this.#quanta;
    const found = this.#states.get(bucket) ?? { level: most, atUs: nodeUs, lent: [] };
    const elapsedUs = Math.max(0, nodeUs - found.atUs);
    const free = most - found.lent.reduce((sum, { quanta }) => sum + quanta, 0);
    return { ...found, level: Math.min(free, found.level + elapsedUs * perUs), atUs: found.atUs + elapsedUs };
  }

  #nowAt(us: number): { readonly node: number; readonly atUs: number } {
    const { nodes, failoversUs, lostUs } = this.#shard;
    for (let at = this.#tenure; at < failoversUs.length && (failoversUs[at] as number) <= us; at++) {
      const knownUs = (failoversUs[at] as number) - lostUs;
      for (let last = this.#log.at(-1); last !== undefined && last.us > knownUs; last = this.#log.at(-1)) {
        last.undo();
        this.#log.pop();
      }
      this.#tenure = at + 1;
    }
    const node = nodes[this.#tenure % nodes.length] as number;
    return { node, atUs: (this.#clocks[node] as Clock).showsUs(us) };
  }
}
