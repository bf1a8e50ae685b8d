import { type Bucket, fullBucket, type TakeResult, take } from '../../../src/core/bucket.ts';
import type { Evidence } from '../../../src/core/decision.ts';
import { type Policy, parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type {
  ClockReading,
  Event,
  Header,
  HistoryRecord,
  Operation,
} from '../../../src/history/records/operation.ts';
import { headerOf, operationOf } from '../../support/history.ts';

/** The most of a bucket, attempts counted one by one. */
export const MOST_OPERATIONS = 12;
const BUCKETS = 500;
const SPAN_US = 2_000_000;
const EPOCH_US = 1_795_000_000_000_000;
const POLICIES = ['1:1/100us', '3:1/50us', '5:3/100us', '2:1/1ms'];
/** The drift of clocks in both halves of a run. Parts per million. */
const DRIFTS = [
  { early: 0, late: 0 },
  { early: 300, late: 300 },
  { early: -300, late: -280 },
];

/** The records of one run, by file. */
export type Files = readonly (readonly HistoryRecord[])[];

interface Circumstances {
  readonly random: Random;
  readonly policy: Policy;
  /** Whether decisions report levels, and clocks were read. */
  readonly isRead: boolean;
  /** When all buckets are reset; Infinity if they are not. */
  readonly allFullUs: number;
}

/** A node and what its clock shows. */
interface Node {
  readonly name: string;
  readonly show: (us: number) => number;
}

/** One run of many small buckets of an ideal limiter, recorded in some files. */
export function drawHistory(seed: number): Files {
  return inFiles(drawRun(seed));
}

/** Such a run, before it is recorded. */
interface DrawnRun {
  readonly header: Header;
  readonly operations: readonly Operation[];
  readonly others: readonly HistoryRecord[];
  readonly nodes: readonly Node[];
  readonly random: Random;
}

export function drawRun(seed: number): DrawnRun {
  const random = makeRandom(seed, 'small histories');
  const isRead = random() < 0.5;
  const circumstances = {
    random,
    policy: parsePolicy(pick(random, POLICIES)),
    isRead,
    allFullUs: random() < 0.3 ? Math.floor(random() * SPAN_US) : Number.POSITIVE_INFINITY,
  };
  const nodes = drawNodes(random, isRead);
  const buckets = Array.from({ length: BUCKETS }, (_, number) => {
    const bucket = new SmallBucket(`b${number}`, nodes[number % nodes.length] as Node, circumstances);
    bucket.draw();
    return bucket;
  });
  const { policy, allFullUs } = circumstances;
  const header = headerOf(undefined, {
    policy: { capacity: policy.capacityTokens, refill: policy.refill },
  });
  const allFull: Event = { type: 'event', event: 'reset', atUs: allFullUs };
  const others = [
    ...buckets.flatMap(({ resets }) => resets),
    ...(Number.isFinite(allFullUs) ? [allFull] : []),
    ...(isRead ? nodes.flatMap(readClock) : []),
  ];
  return { header, operations: buckets.flatMap(({ operations }) => operations), others, nodes, random };
}

/** One node, or two whose clocks differ. */
function drawNodes(random: Random, isRead: boolean): Node[] {
  if (!isRead) return [{ name: 'n', show: (us) => us }];
  const { early, late } = pick(random, DRIFTS);
  return pick(random, [['n'], ['n', 'm']]).map((name, number) => ({
    name,
    show(us) {
      const [earlyUs, lateUs] = [Math.min(us, SPAN_US / 2), Math.max(0, us - SPAN_US / 2)];
      return EPOCH_US + 100 * number + us + Math.floor((earlyUs * early + lateUs * late) / 1_000_000);
    },
  }));
}

/** The operations of one bucket and its resets, in the order of the decisions. */
class SmallBucket {
  readonly operations: Operation[] = [];
  readonly resets: Event[] = [];
  readonly #name: string;
  readonly #node: Node;
  readonly #circumstances: Circumstances;
  /** The time in which it gains a token. */
  readonly #tokenUs: number;
  readonly #admitted = new Set<string>();
  #state: Bucket;
  #nowUs: number;

  constructor(name: string, node: Node, circumstances: Circumstances) {
    const { random, policy } = circumstances;
    this.#name = name;
    this.#node = node;
    this.#circumstances = circumstances;
    this.#tokenUs = policy.quantaPerToken / policy.quantaPerUs;
    this.#nowUs = 1_000 + Math.floor(random() * SPAN_US);
    this.#state = fullBucket(policy, node.show(0));
  }

  draw(): void {
    const { random, policy } = this.#circumstances;
    const length = 1 + Math.floor(random() * (MOST_OPERATIONS - 4));
    while (this.operations.length < length) {
      this.#wait();
      const cost = 1 + Math.floor(random() * Math.min(2, policy.capacityTokens));
      const what = random();
      if (what < 0.06) this.#attempt(-cost, { isLost: random() < 0.2 });
      else if (what < 0.08) this.#attempt(0, { isLost: false });
      else if (what < 0.22) this.#retry(cost);
      else if (what < 0.26) this.#reset();
      else if (what < 0.34) this.#undecided(cost);
      else this.#attempt(cost, { isLost: random() < 0.1 });
    }
  }

  #wait(): void {
    const { allFullUs, policy } = this.#circumstances;
    const lastUs = this.#nowUs;
    this.#nowUs += this.#someUs([0.2, 1, 3]);
    if (lastUs < allFullUs && this.#nowUs >= allFullUs)
      this.#state = fullBucket(policy, this.#node.show(allFullUs));
  }

  /** Some attempts of one decision. A refund can have the same id. */
  #retry(cost: number): void {
    const { random } = this.#circumstances;
    const decisionId = `${this.#name}-${this.operations.length}`;
    for (let left = pick(random, [1, 2, 2, 3]); left > 0; left--, this.#wait())
      this.#attempt(cost, { isLost: random() < 0.5, decisionId });
    if (random() < 0.2) this.#undecided(cost, decisionId);
    if (random() < 0.2) this.#attempt(-cost, { isLost: false, decisionId });
  }

  #reset(): void {
    const { random, policy } = this.#circumstances;
    const atUs = this.#nowUs - pick(random, [0, 0.5, 7]);
    this.resets.push({ type: 'event', event: 'reset', atUs, args: { bucket: this.#name } });
    this.#state = fullBucket(policy, this.#node.show(this.#nowUs));
  }

  /** A request that failed, or that a failure policy answered or passed on. */
  #undecided(cost: number, decisionId?: string): void {
    const { random } = this.#circumstances;
    const charge = pick(random, ['none', 'possible', undefined] as const);
    const fallback = { strategy: 'central', node: this.#node.name, source: 'fallback' } as const;
    const outcome = pick(random, ['failed', 'info', 'allowed', 'denied'] as const);
    this.operations.push(
      operationOf(0, {
        ...{ bucket: this.#name, cost, outcome },
        ...{ invokedUs: this.#nowUs, decision: { ...fallback, ...(charge && { charge }) } },
        completedUs: outcome === 'info' ? null : this.#nowUs + this.#someUs([1]),
        ...(random() < 0.1 && { maxCharge: 2 * cost }),
        ...(decisionId !== undefined && { decisionId }),
      }),
    );
  }

  /** An attempt that is decided now. A decision that is known is repeated; a lost request may have been charged. */
  #attempt(cost: number, { isLost, decisionId }: { isLost: boolean; decisionId?: string }): void {
    const { random, policy, isRead } = this.#circumstances;
    const { bucket, result } = take(this.#state, policy, {
      costTokens: cost,
      nowUs: this.#node.show(this.#nowUs),
    });
    const decision = `${decisionId} ${cost}`;
    const isRepeated = decisionId !== undefined && this.#admitted.has(decision);
    if (result.allowed && !isRepeated && !(isLost && random() < 0.5)) {
      this.#state = { ...bucket, levelQuanta: Math.min(policy.capacityQuanta, bucket.levelQuanta) };
      this.#admitted.add(decision);
    }
    const leastUs = isRead ? 5 : 0; // for a drifting clock, whose points are rounded
    const ended = isLost
      ? { completedUs: null, ...(random() < 0.5 && { latestUs: this.#nowUs + this.#someUs([1]) }) }
      : { completedUs: this.#nowUs + leastUs + this.#someUs([0, 0.1, 2]) };
    const mayChargeMore = !isLost && cost > 0 && random() < 0.2;
    this.operations.push(
      operationOf(0, {
        ...{ bucket: this.#name, cost, ...ended },
        invokedUs: this.#nowUs - leastUs - this.#someUs([0, 0.1, 2]),
        outcome: isLost ? 'info' : isRepeated || result.allowed ? 'allowed' : 'denied',
        ...(isRead && !isLost && cost > 0 && random() < 0.8 && { decision: this.#evidence(result) }),
        ...(mayChargeMore && { maxCharge: 2 * cost, latestUs: this.#nowUs + 10 }),
        ...(decisionId !== undefined && { decisionId }),
      }),
    );
  }

  #evidence({ levelQuanta, bucketUs }: TakeResult): Evidence {
    const { name } = this.#node;
    return { strategy: 'central', node: name, source: 'redis', atUs: bucketUs, bucketUs, levelQuanta };
  }

  #someUs(tokens: readonly number[]): number {
    const { random } = this.#circumstances;
    return Math.floor(random() * this.#tokenUs * pick(random, tokens));
  }
}

function readClock({ name, show }: Node): ClockReading[] {
  const readings = Array.from({ length: 41 }, (_, number): ClockReading => {
    const atUs = (number * SPAN_US) / 40;
    return { type: 'clock', node: name, atUs, serverUs: show(atUs), errorUs: 8 };
  });
  return [...readings, { type: 'clock', node: name, atUs: 0, serverUs: 0, errorUs: 0, source: 'date' }];
}

/** Deals the records out to some files. Each has its header, its numbers and its end. */
function inFiles({ random, header, operations, others }: DrawnRun): Files {
  const files: HistoryRecord[][] = Array.from({ length: pick(random, [1, 1, 2, 3]) }, () => []);
  for (const record of [...operations, ...others]) pick(random, files).push(record);
  const unknownFile = pick(random, [undefined, undefined, 0, files.length - 1]);
  return files.map((records, number) => {
    let sent = 0;
    const numbered = records.map((record) => (record.type === 'op' ? { ...record, index: sent++ } : record));
    const initial = number === unknownFile ? 'unknown' : 'full';
    return [{ ...header, initial }, ...numbered, { type: 'end', atUs: SPAN_US, sent }];
  });
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}
