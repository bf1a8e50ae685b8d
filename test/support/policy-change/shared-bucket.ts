import type { Policy } from '../../../src/core/policy.ts';
import { Fraction } from './fraction.ts';

/** One operation of one of the limiters that share a bucket, as it reports it. `tokens` are taken, or given back. */
export interface Step {
  readonly kind: 'take' | 'refund' | 'peek';
  readonly policy: Policy;
  readonly tokens: number;
  /** The deciding server's time, and the bucket's own. */
  readonly atUs: number;
  readonly bucketUs: number;
  /** Of a take. */
  readonly allowed: boolean;
  /** The level after it. */
  readonly levelQuanta: number;
}

/** A refund or a look, by the level that it gave. */
export function stepOfLevel(
  step: Pick<Step, 'kind' | 'policy' | 'tokens'>,
  { atUs, levelQuanta }: Pick<Step, 'atUs' | 'levelQuanta'>,
): Step {
  return { ...step, allowed: true, atUs, bucketUs: atUs, levelQuanta };
}

/** The bucket's key: the exact tokens at a time, and the largest capacity that wrote them. */
interface Value {
  readonly tokens: Fraction;
  /** Without any rounding since the key was made. */
  readonly unrounded: Fraction;
  readonly unit: number;
  readonly atUs: number;
  readonly mostTokens: number;
  readonly expiresAtUs: number;
}

const SECOND_US = 1_000_000;
const MOST_LIFE_US = 2 ** 53 * 1_000;

/**
 * An exact model of a bucket that limiters of several policies share, beside an ideal bucket of the largest capacity and
 * the largest rate of all of them. It is in fractions of whole numbers of any size, and shares no code with the scripts.
 */
export class SharedBucket {
  readonly #capacity: Fraction;
  readonly #rate: Policy['refill'];
  readonly #coarserUnit: number;
  #ideal: { readonly tokens: Fraction; readonly atUs: number } | undefined;
  #value: Value | undefined;
  /** The most that a decision lost by rounding, in quanta of the coarser policy. */
  lostQuanta = 0;
  /** What takes were admitted beyond the ideal bucket. */
  excessTokens = 0;
  /** Writes in another unit than the one before. */
  changes = 0;

  constructor(policies: readonly Policy[]) {
    this.#capacity = Fraction.of(Math.max(...policies.map(({ capacityTokens }) => capacityTokens)));
    this.#coarserUnit = Math.min(...policies.map(({ quantaPerToken }) => quantaPerToken));
    this.#rate = policies
      .map(({ refill }) => refill)
      .reduce((most, rate) =>
        BigInt(rate.tokens) * BigInt(most.perUs) > BigInt(most.tokens) * BigInt(rate.perUs) ? rate : most,
      );
  }

  /** When its key expires; undefined while there is none. */
  get expiresAtUs(): number | undefined {
    return this.#value?.expiresAtUs;
  }

  /** What contradicts the model in this operation, which may find the key expired; undefined if nothing does. */
  contradiction(step: Step, { isExpired }: { readonly isExpired: boolean }): string | undefined {
    const value = isExpired ? undefined : this.#value;
    const before = levelOf(value, step);
    const cost = BigInt(step.tokens) * BigInt(step.policy.quantaPerToken);
    const isAllowed = step.kind !== 'take' || before >= cost;
    if (isAllowed !== step.allowed) return `${before} quanta, cost ${cost}, allowed ${step.allowed}`;
    const after = levelAfter(step, before, cost);
    if (after !== BigInt(step.levelQuanta)) return `level ${step.levelQuanta}, and exactly it is ${after}`;
    return undefined;
  }

  /** Carries out an operation without a contradiction. Throws if it minted tokens, or lost a quantum of its policy. */
  apply(step: Step, { isExpired }: { readonly isExpired: boolean }): void {
    const { policy, kind, bucketUs, tokens } = step;
    if (isExpired) this.#value = undefined;
    const value = this.#value;
    const unit = policy.quantaPerToken;
    const ideal = this.#idealAt(bucketUs);
    const level = Fraction.of(levelOf(value, step), unit);
    const mostTokens = Math.max(value?.mostTokens ?? 0, policy.capacityTokens);
    // The most can grow to the largest capacity, and an expired key is full, so the ideal one has that much more.
    if (ideal.isBelow(level.plus(this.#capacity).minus(Fraction.of(mostTokens))))
      throw new Error(`minted: ${level.toNumber()} tokens, and an ideal bucket has ${ideal.toNumber()}`);
    const cost = Fraction.of(kind === 'take' && step.allowed ? tokens : 0);
    const back = Fraction.of(kind === 'refund' ? tokens : 0);
    this.excessTokens = Math.max(this.excessTokens, cost.minus(ideal).toNumber());
    this.#ideal = { tokens: Fraction.least(ideal.minus(cost).plus(back), this.#capacity), atUs: bucketUs };
    const isWritten = (kind === 'take' && step.allowed) || (kind === 'refund' && value !== undefined);
    if (!isWritten) return;

    this.#count(unroundedAt(value?.tokens, value, step).minus(level), unit, value);
    const unrounded = Fraction.least(
      unroundedAt(value?.unrounded, value, step).minus(cost).plus(back),
      Fraction.of(policy.capacityTokens),
    );
    const after = Fraction.of(step.levelQuanta, unit);
    if (unrounded.isBelow(after)) throw new Error('minted: more tokens than without any rounding');
    this.#value = {
      tokens: after,
      unrounded,
      unit,
      atUs: bucketUs,
      mostTokens,
      expiresAtUs: expiry(step, mostTokens),
    };
  }

  /** What this decision lost by rounding. */
  #count(lost: Fraction, unit: number, value: Value | undefined): void {
    const isOther = value !== undefined && value.unit !== unit;
    if (isOther) this.changes++;
    const tooMuch = isOther ? Fraction.of(1, unit) : Fraction.of(1, 10n ** 40n);
    if (lost.isBelow(Fraction.of(0)) || !lost.isBelow(tooMuch))
      throw new Error(`lost ${lost.toNumber()} tokens by rounding`);
    this.lostQuanta = Math.max(this.lostQuanta, lost.toNumber() * this.#coarserUnit);
  }

  #idealAt(nowUs: number): Fraction {
    const { tokens, atUs } = this.#ideal ?? { tokens: this.#capacity, atUs: nowUs };
    return Fraction.least(tokens.plus(gained(this.#rate, nowUs - atUs)), this.#capacity);
  }
}

function levelAfter({ kind, allowed, policy }: Step, before: bigint, cost: bigint): bigint {
  if (kind === 'take') return allowed ? before - cost : before;
  const given = before + (kind === 'refund' ? cost : 0n);
  return given < BigInt(policy.capacityQuanta) ? given : BigInt(policy.capacityQuanta);
}

/** The level before an operation, in quanta of its policy, as the scripts are said to read it. */
function levelOf(value: Value | undefined, { policy, bucketUs }: Step): bigint {
  const capacity = BigInt(policy.capacityQuanta);
  if (value === undefined) return capacity;
  const stored = value.tokens.quanta(policy.quantaPerToken);
  const level =
    (stored < capacity ? stored : capacity) + BigInt(bucketUs - value.atUs) * BigInt(policy.quantaPerUs);
  return level < capacity ? level : capacity;
}

/** These tokens of a value at the time of an operation. */
function unroundedAt(
  tokens: Fraction | undefined,
  value: Value | undefined,
  { policy, bucketUs }: Step,
): Fraction {
  const capacity = Fraction.of(policy.capacityTokens);
  if (tokens === undefined || value === undefined) return capacity;
  const kept = Fraction.least(tokens, capacity);
  return Fraction.least(kept.plus(gained(policy.refill, bucketUs - value.atUs)), capacity);
}

function gained({ tokens, perUs }: Policy['refill'], us: number): Fraction {
  return Fraction.of(BigInt(Math.max(0, us)) * BigInt(tokens), perUs);
}

/** A second after the level has reached the most by the writer's rate. */
function expiry({ policy, levelQuanta, bucketUs }: Step, mostTokens: number): number {
  const missing = BigInt(mostTokens) * BigInt(policy.quantaPerToken) - BigInt(levelQuanta);
  return bucketUs + Math.min(Number(missing / BigInt(policy.quantaPerUs)) + SECOND_US, MOST_LIFE_US);
}
