import { type Bucket, fullBucket, refill, takeAll } from '../../core/bucket.ts';
import type { Decision, PolicyDecision } from '../../core/decision.ts';
import {
  type Charge,
  type ErrorCode,
  invalidOption,
  isInvalidRequest,
  OpenclawError,
} from '../../core/errors.ts';
import { makePolicy, type Policy } from '../../core/policy.ts';
import { quoted } from '../../core/printable.ts';
import type { Surroundings } from '../../core/time.ts';
import type { Cost, Limiter, NamedPolicy, Subject } from '../limiter.ts';
import { bucketKey } from '../options/key.ts';
import { costOf } from '../options/policies.ts';
import { askedOf, unheld } from './unheld.ts';

/**
 * The result of `take` and `reserve` while Redis cannot decide. `closed` rejects with the error. `open` allows. `{ localShare: N }`
 * decides by a bucket in memory with an Nth of capacity and refill, N from 1 to 1000.
 *
 * With capacity b and refill r, a process admits at most (b + r * length) / N in an outage of this length, in addition
 * to the admissions of Redis. Set N to at least the number of processes that limit the same subjects.
 */
export type FailurePolicy = 'closed' | 'open' | { readonly localShare: number };

/** One failure policy for every policy, or by policy name; a missing name means `closed`. */
export type FailurePolicies = FailurePolicy | Readonly<Record<string, FailurePolicy>>;

/**
 * The most subjects whose share is not full, about 200 bytes each. Others are treated as `closed`: to forget a share
 * that is not full would create tokens.
 */
const MOST_SHARES = 100_000;

/**
 * Wraps `limiter`: if it rejects because Redis could not decide, the failure policies decide. Such a decision has the
 * source `fallback`, the error code in `undecided`, and in its evidence whether Redis may also charge it. It is allowed
 * if every policy allows it; if one of them is closed, the error is thrown. It does not store decision ids. Redis holds
 * nothing for a reservation that they allow, and they decide its extensions; extensions and settlements of others reject.
 * Throws INVALID_OPTION for an invalid failure policy or an unknown policy name.
 */
export function decideOnFailure(
  limiter: Limiter,
  { onFailure, names }: { readonly onFailure: FailurePolicies; readonly names: readonly string[] },
  surroundings: Surroundings,
): Limiter {
  const shares = new Shares(() => Math.floor(surroundings.time.nowUs()));
  const failurePolicyOf = readFailurePolicies(onFailure, names);

  /** The cost for each share; undefined if a policy is closed or its share can never hold the cost. */
  function readCharges(policies: readonly NamedPolicy[], tokensOf: TokensOf): ShareCharge[] | undefined {
    const charges: ShareCharge[] = [];
    const tokens = tokensOf(policies);
    for (const [i, named] of policies.entries()) {
      const failurePolicy = failurePolicyOf(named.name);
      if (failurePolicy === 'closed') return undefined;
      if (failurePolicy === 'open') continue;
      const policy = sharePolicy(named.policy, failurePolicy.localShare);
      const costTokens = tokens[i] ?? 0;
      if (policy === undefined || costTokens > policy.capacityTokens) return undefined;
      charges.push({ name: named.name, policy, costTokens });
    }
    return charges;
  }

  function decide(
    subject: Subject,
    tokensOf: TokensOf,
    charge: Charge,
  ): Omit<Decision, 'undecided'> | undefined {
    const policies = limiter.policiesOf(subject);
    const charges = readCharges(policies, tokensOf);
    if (charges === undefined) return undefined;
    const evidence = { strategy: limiter.strategy, node: 'none', source: 'fallback', charge } as const;
    if (charges.length === 0) return { allowed: true, evidence };
    const answer = shares.take(subject, charges);
    if (answer === undefined) return undefined;
    const { policies: parts, ...decision } = answer;
    return { ...decision, evidence, ...(policies.length > 1 && { policies: parts }) };
  }

  function decideInsteadOf(error: OpenclawError, subject: Subject, tokensOf: TokensOf): Decision {
    const decision = orFirst(error, () => decide(subject, tokensOf, error.charge));
    if (decision === undefined) throw error;
    return { ...decision, undecided: error.code };
  }

  return {
    ...limiter,
    async take(subject, options = {}) {
      try {
        return await limiter.take(subject, options);
      } catch (error) {
        if (isUndecided(error)) return decideInsteadOf(error, subject, takeOf(options.cost));
        throw error;
      }
    },
    async reserve(subject, { cost, decisionId: id = surroundings.randomId(), ...options } = {}) {
      try {
        return await limiter.reserve(subject, {
          ...options,
          decisionId: id,
          ...(cost !== undefined && { cost }),
        });
      } catch (error) {
        if (!isUndecided(error)) throw error;
        const decision = decideInsteadOf(error, subject, takeOf(cost));
        return unheld({
          ...{ id, decision, asked: orFirst(error, () => askedOf(limiter, subject, cost ?? 1)) },
          policies: () => limiter.policiesOf(subject),
          extend: (tokens) => decideInsteadOf(error, subject, () => tokens),
        });
      }
    },
  };
}

/** Errors of the calling program; a failure policy does not apply to them. */
const OF_THE_PROGRAM: ReadonlySet<ErrorCode> = new Set([
  'INVALID_POLICY',
  'INVALID_OPTION',
  'LIMITER_CLOSED',
  'RESERVATIONS_FULL',
]);

function isUndecided(error: unknown): error is OpenclawError {
  return error instanceof OpenclawError && !isInvalidRequest(error.code) && !OF_THE_PROGRAM.has(error.code);
}

/** If overrides or costs are invalid by now, the first error is thrown: its charge may be possible. */
function orFirst<T>(first: OpenclawError, work: () => T): T {
  try {
    return work();
  } catch {
    throw first;
  }
}

/** The tokens of each policy, in their order. Throws INVALID_COST or COST_ABOVE_CAPACITY. */
type TokensOf = (policies: readonly NamedPolicy[]) => readonly number[];

function takeOf(cost: Cost = 1): TokensOf {
  return (policies) => policies.map((named) => costOf(cost, named));
}

interface ShareCharge extends NamedPolicy {
  readonly costTokens: number;
}

type Answer = Pick<Decision, 'allowed' | 'remainingTokens' | 'retryAfterUs'> & {
  readonly policies: readonly PolicyDecision[];
};

/** The shares that are not full, the least recently used first. */
class Shares {
  readonly #nowUs: () => number;
  readonly #buckets = new Map<string, { readonly bucket: Bucket; readonly policy: Policy }>();

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Undefined if there is no room for another share. */
  take(subject: Subject, charges: readonly ShareCharge[]): Answer | undefined {
    const nowUs = this.#nowUs();
    const keys = charges.map(({ name }) => `${bucketKey('', subject)} ${name}`);
    if (!this.#hasRoom(keys, nowUs)) return undefined;
    const { allowed, taken } = takeAll(
      charges.map(({ policy, costTokens }, i) => {
        const known = this.#buckets.get(keys[i] ?? '');
        return { bucket: known?.bucket ?? fullBucket(policy, nowUs), policy, costTokens };
      }),
      nowUs,
    );
    for (const [i, { policy }] of charges.entries()) {
      const key = keys[i] ?? '';
      const bucket = taken[i]?.bucket;
      if (!allowed || bucket === undefined) continue;
      this.#buckets.delete(key);
      this.#buckets.set(key, { bucket, policy });
    }
    const policies = taken.map(({ result: { levelQuanta, retryAfterUs } }, i): PolicyDecision => {
      const { name, policy } = charges[i] as ShareCharge;
      const remainingTokens = Math.floor(levelQuanta / policy.quantaPerToken);
      return { policy: name, remainingTokens, levelQuanta, retryAfterUs };
    });
    return {
      allowed,
      remainingTokens: Math.min(...policies.map(({ remainingTokens }) => remainingTokens)),
      retryAfterUs: Math.max(...policies.map(({ retryAfterUs }) => retryAfterUs)),
      policies,
    };
  }

  /** Makes room: removes shares that are full again, the oldest first, since an unknown share is full. */
  #hasRoom(keys: readonly string[], nowUs: number): boolean {
    const added = keys.filter((key) => !this.#buckets.has(key)).length;
    for (const [key, { bucket, policy }] of this.#buckets) {
      if (this.#buckets.size + added <= MOST_SHARES) break;
      if (refill(bucket, policy, nowUs).levelQuanta < policy.capacityQuanta) return false;
      this.#buckets.delete(key);
    }
    return true;
  }
}

/** An Nth of a policy: whole tokens, refilled N times slower. Undefined if it is less than one token. */
function sharePolicy(
  { capacityTokens, refill: { tokens, perUs } }: Policy,
  parts: number,
): Policy | undefined {
  const capacity = Math.floor(capacityTokens / parts);
  return capacity === 0 ? undefined : makePolicy(capacity, { tokens, perUs: perUs * parts });
}

function readFailurePolicies(
  written: FailurePolicies,
  names: readonly string[],
): (policy: string) => FailurePolicy {
  if (typeof written !== 'object' || written === null || isLocalShare(written)) {
    const only = checkFailurePolicy(written);
    return () => only;
  }
  const unknown = Object.keys(written).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalidOption(
      `a failure policy must name one of the policies ${names.join(', ')}; found ${quoted(unknown)}`,
      'name each member after a policy',
    );
  const byName = new Map(Object.entries(written).map(([name, one]) => [name, checkFailurePolicy(one)]));
  return (policy) => byName.get(policy) ?? 'closed';
}

function isLocalShare(written: FailurePolicies): written is { readonly localShare: number } {
  return typeof written === 'object' && typeof written.localShare === 'number';
}

/** Parses `closed`, `open` or `local-share:N`. Throws INVALID_OPTION. */
export function parseFailurePolicy(text: string): FailurePolicy {
  const [, parts] = /^local-share:(\d{1,9})$/.exec(text) ?? [];
  if (parts === undefined && text !== 'closed' && text !== 'open')
    throw invalidOption(
      `a failure policy is written closed, open or local-share:N; found ${quoted(text)}`,
      'local-share:3 gives each of three processes a third of capacity and refill',
    );
  return checkFailurePolicy(parts === undefined ? text : { localShare: Number(parts) });
}

/** The inverse of `parseFailurePolicy`. */
export function formatFailurePolicy(policy: FailurePolicy): string {
  return typeof policy === 'string' ? policy : `local-share:${policy.localShare}`;
}

const MOST_PARTS = 1_000;

function checkFailurePolicy(written: unknown): FailurePolicy {
  if (written === 'closed' || written === 'open') return written;
  const { localShare } = (typeof written === 'object' && written !== null ? written : {}) as {
    localShare?: unknown;
  };
  if (Number.isSafeInteger(localShare) && Number(localShare) >= 1 && Number(localShare) <= MOST_PARTS)
    return { localShare: Number(localShare) };
  throw invalidOption(
    `a failure policy is closed, open or { localShare: 1 to ${MOST_PARTS} }; found ${quoted(written)}`,
    'set localShare to the number of processes that may fall back at once',
  );
}
