import { type Bucket, fullBucket, take } from '../../../src/core/bucket.ts';
import { type Policy, parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type {
  HistoryRecord,
  Operation,
  RecordedExtension,
  RecordedSettlement,
} from '../../../src/history/records/operation.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { pick } from './small-histories.ts';

const BUCKETS = 500;
const STEPS = 14;
const POLICIES = ['5:1/100us', '8:3/100us', '3:1/1ms'];

/** A reservation as the limiter holds it, and as it is recorded. */
interface Reserved {
  operation: Operation;
  heldTokens: number;
  /** What the recorder knows to be held. */
  knownTokens: number;
  extended: RecordedExtension[];
  settled?: RecordedSettlement;
  /** When the limiter gives it back; Infinity if it never does. */
  endsUs: number;
  readonly lastsUs: number;
  isOpen: boolean;
}

/** One run of an ideal limiter, with reservations that are extended, settled, left to expire, and lost on their way. */
export function drawReservations(seed: number): HistoryRecord[] {
  const random = makeRandom(seed, 'reservations');
  const policy = parsePolicy(pick(random, POLICIES));
  const operations = Array.from({ length: BUCKETS }, (_, number) =>
    new ReservingBucket(`b${number}`, policy, random).draw(),
  ).flat();
  const numbered = operations.map((operation, index): Operation => ({ ...operation, index }));
  const header = headerOf(undefined, { policy: { capacity: policy.capacityTokens, refill: policy.refill } });
  return [header, ...numbered, { type: 'end', atUs: 1e9, sent: numbered.length }];
}

class ReservingBucket {
  readonly #name: string;
  readonly #policy: Policy;
  readonly #random: Random;
  readonly #tokenUs: number;
  readonly #all: Reserved[] = [];
  readonly #denied: Operation[] = [];
  #state: Bucket;
  #nowUs = 10_000;

  constructor(name: string, policy: Policy, random: Random) {
    this.#name = name;
    this.#policy = policy;
    this.#random = random;
    this.#tokenUs = policy.quantaPerToken / policy.quantaPerUs;
    this.#state = fullBucket(policy, 0);
  }

  draw(): Operation[] {
    for (let step = 0; step < STEPS; step++) {
      this.#nowUs += this.#someUs([0.2, 1, 4]);
      this.#expire();
      const open = this.#all.filter(({ isOpen, settled }) => isOpen && settled === undefined);
      const one = open.length === 0 ? undefined : pick(this.#random, open);
      const what = this.#random();
      if (one === undefined || what < 0.4) this.#reserve();
      else if (what < 0.65) this.#extend(one);
      else this.#settle(one);
    }
    const made = this.#all.map(({ operation, extended, settled, lastsUs }): Operation => {
      const renewed = extended
        .filter(({ outcome }) => outcome === 'allowed')
        .map(({ invokedUs }) => invokedUs);
      const fromUs = Math.max(operation.invokedUs, ...renewed);
      return {
        ...operation,
        ...(extended.length > 0 && { extended }),
        ...(settled !== undefined && { settled }),
        ...(Number.isFinite(lastsUs) && { expiresUs: fromUs + lastsUs }),
      };
    });
    return [...made, ...this.#denied];
  }

  #reserve(): void {
    const cost = 1 + Math.floor(this.#random() * this.#policy.capacityTokens);
    const isAllowed = this.#take(cost);
    const operation = operationOf(0, { bucket: this.#name, cost, ...this.#interval(isAllowed, 0) });
    const lastsUs = this.#random() < 0.3 ? Math.ceil(this.#tokenUs * 5) : Number.POSITIVE_INFINITY;
    const endsUs = this.#nowUs + lastsUs;
    if (!isAllowed) this.#denied.push(operation);
    else
      this.#all.push({
        operation,
        heldTokens: cost,
        knownTokens: cost,
        extended: [],
        endsUs,
        lastsUs,
        isOpen: true,
      });
  }

  #extend(one: Reserved): void {
    const cost = 1 + Math.floor(this.#random() * 2);
    const isAllowed = this.#take(cost);
    const interval = this.#interval(isAllowed, one.operation.invokedUs);
    const named = this.#random() < 0.3 && { charges: [{ bucket: this.#name, cost }] };
    one.extended.push({ cost: named ? 0 : cost, ...named, ...interval });
    if (!isAllowed) return;
    one.heldTokens += cost;
    if (interval.outcome === 'allowed') one.knownTokens += cost;
    one.endsUs = this.#nowUs + one.lastsUs;
  }

  #settle(one: Reserved): void {
    const cost = Math.floor(this.#random() * (one.knownTokens + 1));
    const isLost = this.#random() < 0.2;
    const isMade = !isLost || this.#random() < 0.5;
    if (isMade) this.#giveBack(one, one.heldTokens - cost);
    const { invokedUs, completedUs } = this.#interval(true, one.operation.invokedUs);
    const ended =
      isLost || completedUs === null
        ? ({ outcome: 'info', completedUs: null } as const)
        : ({ outcome: 'allowed', completedUs } as const);
    const named = this.#random() < 0.3 && { charges: [{ bucket: this.#name, cost }] };
    const outcome = isMade ? ended : ({ outcome: 'info', completedUs: null } as const);
    one.settled = { cost: named ? 0 : cost, ...named, invokedUs, ...outcome };
  }

  #expire(): void {
    for (const one of this.#all)
      if (one.isOpen && one.endsUs <= this.#nowUs) this.#giveBack(one, one.heldTokens);
  }

  #giveBack(one: Reserved, tokens: number): void {
    one.isOpen = false;
    if (tokens > 0) this.#take(-tokens);
  }

  /** A refund fills a bucket at most up to its capacity. */
  #take(costTokens: number): boolean {
    const { bucket, result } = take(this.#state, this.#policy, { costTokens, nowUs: this.#nowUs });
    const levelQuanta = Math.min(this.#policy.capacityQuanta, bucket.levelQuanta);
    if (result.allowed) this.#state = { ...bucket, levelQuanta };
    return result.allowed;
  }

  /** When it was asked and answered; a reply may be lost. */
  #interval(isAllowed: boolean, leastUs: number) {
    const isLost = this.#random() < 0.15;
    const invokedUs = Math.max(leastUs, this.#nowUs - this.#someUs([0, 0.1, 2]));
    const latestUs = this.#nowUs + this.#someUs([0, 0.1, 2]);
    const answer = isAllowed ? ('allowed' as const) : ('denied' as const);
    return isLost
      ? { invokedUs, outcome: 'info' as const, completedUs: null, ...(this.#random() < 0.5 && { latestUs }) }
      : { invokedUs, outcome: answer, completedUs: latestUs };
  }

  #someUs(tokens: readonly number[]): number {
    return Math.floor(this.#random() * this.#tokenUs * pick(this.#random, tokens));
  }
}
