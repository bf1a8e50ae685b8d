import { type Bucket, fullBucket, refill, take } from '../../../src/core/bucket.ts';
import { parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import type { OperationPart } from '../history.ts';

export const POLICY = '20:5/s';
const S = 1_000_000;
const SHARDS = ['a', 'b', 'c'] as const;

type Shard = (typeof SHARDS)[number];
type Stored = Bucket | 'moved';

/** What a limiter does wrong at a move. */
export type Defect = 'fills' | 'refills twice' | 'forgets the marker';

export interface Happens {
  readonly moves?: boolean;
  readonly migrations?: boolean;
  /** `lossy`: a new primary lacks the last seconds. `acked`: it lacks only what a migration brings. */
  readonly failovers?: 'lossy' | 'acked';
  readonly clocks?: 'apart';
  /** Many services do not know yet that a bucket moved, nor does a replica that takes over, once, after the first move. */
  readonly staleCallers?: true;
  readonly defect?: Defect;
}

interface Primary {
  name: string;
  state: Map<string, Stored>;
  /** States with their times, which a replica has. */
  log: { us: number; state: Map<string, Stored> }[];
  generation: number;
}

/**
 * Three shards, each with a primary and a replica, and buckets that limiters move between them, slots that move with their
 * buckets, failovers, lost replies and moves that stop half-way: drawn from a seed, with the history of it.
 */
export class World {
  readonly parts: OperationPart[] = [];
  readonly records: HistoryRecord[] = [];
  readonly #random: Random;
  readonly #happens: Happens;
  readonly #policy = parsePolicy(POLICY);
  readonly #primaries = new Map<Shard, Primary>();
  readonly #homes = new Map<string, Shard>();
  /** Offset and drift of each node's clock. */
  readonly #clocks = new Map<string, { offsetUs: number; ppm: number }>();
  readonly #numbers = new Map<string, number>();
  /** Moves in progress: what happens next, and when. */
  readonly #later: { us: number; act: (us: number) => void }[] = [];
  readonly #busy = new Set<string>();
  readonly #migrating = new Set<Shard>();
  moves = 0;
  migrations = 0;
  failovers = 0;

  constructor(seed: number, happens: Happens) {
    this.#random = makeRandom(seed, 'moves');
    this.#happens = happens;
    for (const shard of SHARDS) {
      this.#primaries.set(shard, { name: `${shard}0`, state: new Map(), log: [], generation: 0 });
      for (const at of [0, 1]) {
        const isApart = happens.clocks === 'apart';
        const offsetUs = isApart ? Math.round(this.#between(-0.5, 0.5) * S) : 0;
        this.#clocks.set(`${shard}${at}`, { offsetUs, ppm: isApart ? this.#between(-300, 300) : 0 });
      }
    }
    for (let at = 0; at < 6; at++) this.#homes.set(`u${at}`, this.#pick(SHARDS));
    if (happens.staleCallers) for (const shard of SHARDS) this.#homes.set(`stays-${shard}`, shard); // shows a takeover
  }

  run(): this {
    const untilUs = this.#between(12, 25) * S;
    for (let us = 1_000; us < untilUs; us += Math.ceil(this.#random() * 0.02 * S)) {
      for (const next of this.#due(us)) next.act(next.us);
      this.#draw(us);
      for (let takes = this.#pick([1, 1, 2]); takes > 0; takes--) this.#decide(us);
    }
    for (const [name, clock] of this.#clocks)
      for (let us = 0; us <= untilUs + S; us += 0.5 * S) {
        const serverUs = this.#show(clock, us);
        this.records.push({ type: 'clock', node: name, atUs: us, serverUs, errorUs: 200 });
      }
    this.records.sort((a, b) => ('atUs' in a ? a.atUs : 0) - ('atUs' in b ? b.atUs : 0));
    return this;
  }

  #due(us: number) {
    const due = this.#later.filter((one) => one.us <= us).sort((a, b) => a.us - b.us);
    for (const one of due) this.#later.splice(this.#later.indexOf(one), 1);
    return due;
  }

  #draw(us: number): void {
    const { moves, migrations, failovers, staleCallers } = this.#happens;
    if (moves && this.#random() < (staleCallers ? 0.003 : 0.02))
      this.#rehome(us, this.#pick([...this.#homes.keys()]));
    if (migrations && this.#random() < 0.003) this.#migrate(us);
    if (failovers && !staleCallers && this.#random() < 0.002) this.#failOver(us, this.#pick(SHARDS));
  }

  #between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }

  #show({ offsetUs, ppm }: { offsetUs: number; ppm: number }, us: number): number {
    return Math.round(us + offsetUs + (us * ppm) / 1_000_000) + 10 * S;
  }

  #nowOf(name: string, us: number): number {
    return this.#show(this.#clocks.get(name) ?? { offsetUs: 0, ppm: 0 }, us);
  }

  #primaryOf(shard: Shard): Primary {
    return this.#primaries.get(shard) as Primary;
  }

  #write(primary: Primary, us: number, key: string, stored: Stored | undefined): void {
    const next = new Map(primary.state);
    if (stored === undefined) next.delete(key);
    else next.set(key, stored);
    primary.state = next;
    primary.log.push({ us, state: next });
  }

  #decide(us: number): void {
    const bucket = this.#pick([...this.#homes.keys()]);
    const isStale = this.#random() < (this.#happens.staleCallers ? 0.6 : 0.1);
    this.#decideAt(us, bucket, isStale ? this.#pick(SHARDS) : (this.#homes.get(bucket) as Shard));
  }

  #decideAt(us: number, bucket: string, shard: Shard): void {
    const home = this.#homes.get(bucket);
    const primary = this.#primaryOf(shard);
    const found = primary.state.get(bucket);
    if (shard !== home && (found === undefined || found === 'moved')) return; // a service that never routed there
    const span = {
      invokedUs: us - Math.floor(this.#random() * 3_000),
      completedUs: us + Math.ceil(this.#random() * 3_000),
    };
    const { defect, staleCallers } = this.#happens;
    if (found === 'moved' || (shard !== home && !staleCallers && defect !== 'forgets the marker')) return;
    const costTokens = this.#pick([1, 1, 2, 5]);
    const nowUs = this.#nowOf(primary.name, us);
    const before = found ?? fullBucket(this.#policy, nowUs);
    const { bucket: next, result } = take(before, this.#policy, { costTokens, nowUs });
    this.#write(primary, us, bucket, next);
    const isLost = this.#random() < 0.01;
    const evidence = { strategy: 'central', source: 'redis', node: primary.name } as const;
    const values = { atUs: nowUs, bucketUs: result.bucketUs, levelQuanta: result.levelQuanta };
    this.parts.push({
      ...{ bucket, cost: costTokens, outcome: result.allowed ? 'allowed' : 'denied', ...span },
      decision: { ...evidence, ...values },
      ...(isLost && { outcome: 'info', completedUs: null, decision: undefined }),
    } as OperationPart);
  }

  /** Close, leave, open, each a while later; it may stop before any of them, and is then repeated. */
  #rehome(us: number, bucket: string): void {
    if (bucket.startsWith('stays')) return;
    const from = this.#homes.get(bucket) as Shard;
    const to = this.#pick(SHARDS.filter((shard) => shard !== from));
    if (this.#busy.has(bucket) || [from, to].some((shard) => this.#migrating.has(shard))) return;
    this.#busy.add(bucket);
    this.moves++;
    const move = (this.#numbers.get(bucket) ?? 0) + 1;
    this.#numbers.set(bucket, move);
    this.#attempt(us, { bucket, from, to, move, level: undefined });
  }

  #attempt(
    us: number,
    one: {
      readonly bucket: string;
      readonly from: Shard;
      readonly to: Shard;
      readonly move: number;
      /** As of when the bucket left. */
      level: Bucket | undefined;
    },
  ): void {
    const { bucket, from, to, move } = one;
    const stopsAt = this.#random() < 0.2 ? this.#pick(['leave', 'open', 'answer']) : undefined;
    const args = { bucket, from, to, move };
    const goesOn = (step: string, atUs: number) => {
      if (stopsAt !== step) return true;
      this.records.push({ type: 'event', event: 'move', atUs: us - 50, args: { ...args, untilUs: null } });
      this.#later.push({ us: atUs + this.#between(0.05, 1) * S, act: (again) => this.#attempt(again, one) });
      return false;
    };
    const wait = () => this.#between(0.001, 0.3) * S;
    const open = (atUs: number) => {
      if (!goesOn('open', atUs)) return;
      const primary = this.#primaryOf(to);
      const nowUs = this.#nowOf(primary.name, atUs);
      const level = one.level ?? fullBucket(this.#policy, nowUs);
      if (this.#homes.get(bucket) !== to) this.#write(primary, atUs, bucket, this.#opened(level, nowUs));
      this.#homes.set(bucket, to);
      if (!goesOn('answer', atUs)) return;
      const untilUs = atUs + Math.ceil(wait());
      this.records.push({ type: 'event', event: 'move', atUs: us - 50, args: { ...args, untilUs } });
      const end = (then: number) => {
        this.#busy.delete(bucket);
        if (this.#happens.staleCallers && this.failovers === 0) this.#failOver(then, from);
      };
      this.#later.push({ us: untilUs, act: end });
    };
    const leave = (atUs: number) => {
      if (!goesOn('leave', atUs)) return;
      const primary = this.#primaryOf(from);
      const nowUs = this.#nowOf(primary.name, atUs);
      const found = primary.state.get(bucket);
      if (one.level === undefined) {
        const before = found === undefined || found === 'moved' ? fullBucket(this.#policy, nowUs) : found;
        one.level = { ...refill(before, this.#policy, nowUs), updatedAtUs: before.updatedAtUs };
        if (this.#happens.defect !== 'forgets the marker') this.#write(primary, atUs, bucket, 'moved');
      }
      this.#later.push({ us: atUs + wait(), act: open });
    };
    this.#later.push({ us: us + wait(), act: leave });
  }

  #opened(level: Bucket, nowUs: number): Bucket {
    const { defect } = this.#happens;
    if (defect === 'fills') return fullBucket(this.#policy, nowUs);
    if (defect === 'refills twice') return level; // with the time of its last update
    return { ...level, updatedAtUs: nowUs };
  }

  /** A third of the buckets of a shard move to another, one by one, as Redis moves keys, and back some time later. */
  #migrate(us: number): void {
    const [from, to] = [this.#pick(SHARDS), this.#pick(SHARDS)];
    const all = [...this.#homes.keys()].filter((bucket) => this.#homes.get(bucket) === from);
    if (from === to || all.some((bucket) => this.#busy.has(bucket)) || this.#migrating.size > 0) return;
    const moved = all.filter(() => this.#random() < 0.5);
    for (const shard of [from, to]) this.#migrating.add(shard);
    this.migrations++;
    const backUs = this.#migrateAll(us, { from, to, moved });
    this.#later.push({
      us: backUs + this.#between(0.5, 4) * S,
      act: (then) => {
        const endUs = this.#migrateAll(then, { from: to, to: from, moved });
        this.#later.push({ us: endUs, act: () => this.#migrating.clear() });
      },
    });
  }

  #migrateAll(us: number, { from, to, moved }: { from: Shard; to: Shard; moved: readonly string[] }): number {
    const names = [from, to].map((shard) => this.#primaryOf(shard).name);
    let atUs = us;
    for (const bucket of moved) {
      atUs += Math.ceil(this.#between(0.01, 0.2) * S);
      const act = (then: number) => {
        const [source, target] = [this.#primaryOf(from), this.#primaryOf(to)];
        const stored = source.state.get(bucket);
        this.#homes.set(bucket, to);
        if (stored === undefined) return;
        this.#write(target, then, bucket, stored);
        this.#write(source, then, bucket, undefined);
      };
      this.#later.push({ us: atUs, act });
    }
    const untilUs = atUs + Math.ceil(0.05 * S);
    const args = { from: names[0], to: names[1], slots: '0-99', untilUs };
    this.records.push({ type: 'event', event: 'slots', atUs: us, args });
    return untilUs;
  }

  /** The other node of the shard takes over. With `acked` it has all but what a migration in progress has brought. */
  #failOver(us: number, shard: Shard): void {
    const primary = this.#primaryOf(shard);
    const old = primary.name;
    if (this.#happens.failovers === 'acked' && this.#migrating.has(shard)) return;
    primary.name = old.endsWith('0') ? `${shard}1` : `${shard}0`;
    const knownUs = us - this.#between(this.#happens.staleCallers ? 2 : 0, 3) * S;
    if (this.#happens.failovers === 'lossy' && this.#busy.size === 0)
      primary.state = new Map(primary.log.findLast((entry) => entry.us <= knownUs)?.state);
    this.failovers++;
    primary.log = [{ us, state: primary.state }];
    const role = (node: string, atUs: number, before: string, to: string): HistoryRecord => ({
      ...{ type: 'event', event: 'role', node, atUs },
      args: {
        from: before,
        to,
        slots: to === 'primary' ? `${SHARDS.indexOf(shard)}000-${SHARDS.indexOf(shard)}999` : '',
      },
    });
    this.records.push(
      role(old, us + 10_000, 'primary', 'replica'),
      role(primary.name, us + 20_000, 'replica', 'primary'),
    );
  }
}
