import { type Bucket, fullBucket, refill, takeAll } from '../core/bucket.ts';
import type { Decision, PolicyDecision } from '../core/decision.ts';
import { type Charge, type ErrorCode, isAskersFault, OpenclawError, quoted } from '../core/errors.ts';
import { makePolicy, type Policy } from '../core/policy.ts';
import { bucketKey } from './key.ts';
import type { Cost, Limiter, NamedPolicy, Subject, TakeOptions } from './limiter.ts';
import { costOf } from './policies.ts';

/**
 * What is answered while the store cannot decide: `closed` rejects with the reason; `open` allows; a local share
 * decides by a bucket in memory with one of so many equal parts of capacity and refill.
 *
 * With b the capacity, r the refill and N the parts, each process admits at most (b + r * length) / N in an episode
 * without the store, beside what the store has admitted. Nobody may fall back on one part twice: N is at least the
 * number of processes that decide about the same subjects.
 */
export type FailurePolicy = 'closed' | 'open' | { readonly localShare: number };

/** Of every policy alike, or by name: `closed` where a name is missing. */
export type FailurePolicies = FailurePolicy | Readonly<Record<string, FailurePolicy>>;

/** Subjects with a share that is not full, some 200 bytes each. One more is answered as `closed`. */
const MOST_SHARES = 100_000;

/**
 * Decides as `limiter` does; where it rejects since the store could not decide, by the failure policies. Such a decision
 * has the source `fallback` and says in `undecided` why. Its evidence says whether the store may charge it all the same.
 * It is allowed if every policy allows it, and rejected as before if one of them is closed. A decision id is not
 * remembered by it.
 * Throws INVALID_OPTION for what is none, and for a name that no policy has.
 */
export function decideOnFailure(
  limiter: Limiter,
  { onFailure, names }: { readonly onFailure: FailurePolicies; readonly names: readonly string[] },
  nowUs: () => number = () => Math.floor(performance.now() * 1_000),
): Limiter {
  const shares = new Shares(nowUs);
  const failurePolicyOf = readFailurePolicies(onFailure, names);

  /** What is asked of each share; undefined where a policy is closed, or its share can never hold the cost. */
  function readAsked(policies: readonly NamedPolicy[], cost: Cost): Asked[] | undefined {
    const asked: Asked[] = [];
    for (const named of policies) {
      const failurePolicy = failurePolicyOf(named.name);
      if (failurePolicy === 'closed') return undefined;
      if (failurePolicy === 'open') continue;
      const policy = sharePolicy(named.policy, failurePolicy.localShare);
      const costTokens = costOf(cost, named);
      if (policy === undefined || costTokens > policy.capacityTokens) return undefined;
      asked.push({ name: named.name, policy, costTokens });
    }
    return asked;
  }

  function decide(
    subject: Subject,
    { cost = 1 }: TakeOptions,
    charge: Charge,
  ): Omit<Decision, 'undecided'> | undefined {
    const policies = limiter.policiesOf(subject);
    const asked = readAsked(policies, cost);
    if (asked === undefined) return undefined;
    const evidence = { strategy: limiter.strategy, node: 'none', source: 'fallback', charge } as const;
    if (asked.length === 0) return { allowed: true, evidence };
    const answer = shares.take(subject, asked);
    if (answer === undefined) return undefined;
    const { policies: parts, ...decision } = answer;
    return { ...decision, evidence, ...(policies.length > 1 && { policies: parts }) };
  }

  /** Whatever overrides or costs say by now, nothing may take the place of an error whose charge is possible. */
  function decideInsteadOf(error: OpenclawError, subject: Subject, options: TakeOptions): Decision {
    let decision: ReturnType<typeof decide>;
    try {
      decision = decide(subject, options, error.charge);
    } catch {
      throw error;
    }
    if (decision === undefined) throw error;
    return { ...decision, undecided: error.code };
  }

  return {
    ...limiter,
    async take(subject, options = {}) {
      try {
        return await limiter.take(subject, options);
      } catch (error) {
        if (isUndecided(error)) return decideInsteadOf(error, subject, options);
        throw error;
      }
    },
  };
}

/** Mistakes of the program, which no store would decide otherwise. */
const OF_THE_PROGRAM: ReadonlySet<ErrorCode> = new Set([
  'INVALID_POLICY',
  'INVALID_OPTION',
  'LIMITER_CLOSED',
]);

function isUndecided(error: unknown): error is OpenclawError {
  return error instanceof OpenclawError && !isAskersFault(error.code) && !OF_THE_PROGRAM.has(error.code);
}

interface Asked extends NamedPolicy {
  readonly costTokens: number;
}

type Answer = Pick<Decision, 'allowed' | 'remainingTokens' | 'retryAfterUs'> & {
  readonly policies: readonly PolicyDecision[];
};

/** The buckets of those that are not full; those that take last are last. */
class Shares {
  readonly #nowUs: () => number;
  readonly #buckets = new Map<string, { readonly bucket: Bucket; readonly policy: Policy }>();

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Undefined where there is no room to remember what it took. */
  take(subject: Subject, asked: readonly Asked[]): Answer | undefined {
    const nowUs = this.#nowUs();
    const keys = asked.map(({ name }) => `${bucketKey('', subject)} ${name}`);
    if (!this.#hasRoom(keys, nowUs)) return undefined;
    const { allowed, taken } = takeAll(
      asked.map(({ policy, costTokens }, i) => {
        const known = this.#buckets.get(keys[i] ?? '');
        return { bucket: known?.bucket ?? fullBucket(policy, nowUs), policy, costTokens };
      }),
      nowUs,
    );
    for (const [i, { policy }] of asked.entries()) {
      const key = keys[i] ?? '';
      const bucket = taken[i]?.bucket;
      if (!allowed || bucket === undefined) continue;
      this.#buckets.delete(key);
      this.#buckets.set(key, { bucket, policy });
    }
    const policies = taken.map(({ result: { levelQuanta, retryAfterUs } }, i): PolicyDecision => {
      const { name, policy } = asked[i] as Asked;
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

  /** Forgets, the oldest first, what is full again: that is what an unknown one is. */
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

/** One of so many parts: whole tokens, the same in time. Undefined where a part is less than a token. */
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
    throw new OpenclawError(
      'INVALID_OPTION',
      `a failure policy must be of one of the policies ${names.join(', ')}; found ${quoted(unknown)}`,
      { hint: 'name them as the policies are named' },
    );
  const byName = new Map(Object.entries(written).map(([name, one]) => [name, checkFailurePolicy(one)]));
  return (policy) => byName.get(policy) ?? 'closed';
}

function isLocalShare(written: FailurePolicies): written is { readonly localShare: number } {
  return typeof written === 'object' && typeof written.localShare === 'number';
}

/** Reads `closed`, `open` or, of a share of N, `local-share:N`. Throws INVALID_OPTION. */
export function parseFailurePolicy(text: string): FailurePolicy {
  const [, parts] = /^local-share:(\d{1,9})$/.exec(text) ?? [];
  if (parts === undefined && text !== 'closed' && text !== 'open')
    throw new OpenclawError(
      'INVALID_OPTION',
      `a failure policy is written closed, open or local-share:N; found ${quoted(text)}`,
      { hint: 'local-share:3 gives each of three processes a third of capacity and refill' },
    );
  return checkFailurePolicy(parts === undefined ? text : { localShare: Number(parts) });
}

/** As `parseFailurePolicy` reads it. */
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
  throw new OpenclawError(
    'INVALID_OPTION',
    `a failure policy is closed, open or { localShare: 1 to ${MOST_PARTS} }; found ${quoted(written)}`,
    { hint: 'localShare: the number of processes that may fall back at once' },
  );
}
