import type { Decision } from '../core/decision.ts';
import { OpenclawError, quoted } from '../core/errors.ts';
import { bucketKey } from './key.ts';
import type { Limiter, NamedPolicy } from './limiter.ts';
import { checkCostNames, costOf } from './policies.ts';

export interface LocalAnswerOptions {
  /** How long after its request a denial may answer others. Milliseconds, 1 to 60000. Default 1000. */
  readonly forMs?: number;
}

/** How wrong a local answer may be. It is always a denial, so it never admits too much. */
export interface LocalAnswerBound {
  /**
   * Since the bucket's level was raised by anything but time on the server's clock at its rate (a refund or reset
   * elsewhere, a failover, lost state, a step of the clock, another policy). Microseconds.
   */
  readonly falseForUs: number;
  /** How much faster than this process' clock the server's may run, without one being false. Parts per million. */
  readonly driftPpm: number;
}

const DEFAULT_FOR_MS = 1_000;
const MOST_FOR_MS = 60_000;
const DRIFT_PPM = 1_000;
const MOST_REMEMBERED = 10_000;

/** A denial by local answer is false only where the bound says so: at most this long, and for those reasons. */
export function localAnswerBound({ forMs = DEFAULT_FOR_MS }: LocalAnswerOptions = {}): LocalAnswerBound {
  return { falseForUs: forMs * 1_000, driftPpm: DRIFT_PPM };
}

/** The levels that a denial told, and when its request was made, before which Redis cannot have read them. */
interface Denied {
  readonly levelsQuanta: readonly number[];
  readonly askedMs: number;
  readonly node: string;
}

/**
 * Answers takes from what the last denial of their subject told, where that proves that Redis would deny them too:
 * level + (time since it was asked) * refill is the most that the bucket can hold by now, and it is below the cost.
 * A take with a decision id is always asked, since it may have been admitted before.
 */
export function answerLocally(
  limiter: Limiter,
  options: LocalAnswerOptions,
  nowMs: () => number = () => performance.now(),
): Limiter {
  const forMs = checkForMs(options.forMs ?? DEFAULT_FOR_MS);
  const denials = new Map<string, Denied>();

  return {
    ...limiter,
    async take(subject, takeOptions = {}) {
      const { cost = 1, decisionId } = takeOptions;
      const key = bucketKey('', subject);
      const askedMs = nowMs();
      const denied = denials.get(key);
      if (denied !== undefined && askedMs - denied.askedMs >= forMs) denials.delete(key);
      else if (denied !== undefined && decisionId === undefined) {
        const policies = limiter.policiesOf(subject);
        checkCostNames(cost, policies);
        const costs = policies.map((named) => costOf(cost, named));
        const answer = denialFrom(denied, askedMs, { strategy: limiter.strategy, policies, costs });
        if (answer !== undefined) return answer;
      }
      const decision = await limiter.take(subject, takeOptions);
      if (!decision.allowed) remember(key, decision, askedMs);
      return decision;
    },
    async refund(subject, refundOptions) {
      denials.delete(bucketKey('', subject));
      return limiter.refund(subject, refundOptions);
    },
    async reset(subject) {
      denials.delete(bucketKey('', subject));
      return limiter.reset(subject);
    },
  };

  function remember(key: string, { evidence, policies }: Decision, askedMs: number): void {
    const { levelQuanta, node } = evidence;
    const levelsQuanta = policies?.map((part) => part.levelQuanta) ?? [levelQuanta ?? Number.NaN];
    denials.delete(key); // to the end: the oldest is dropped first
    denials.set(key, { levelsQuanta, askedMs, node });
    const [oldest] = denials.keys();
    if (denials.size > MOST_REMEMBERED && oldest !== undefined) denials.delete(oldest);
  }
}

function denialFrom(
  { levelsQuanta, askedMs, node }: Denied,
  nowMs: number,
  {
    strategy,
    policies,
    costs,
  }: { strategy: string; policies: readonly NamedPolicy[]; costs: readonly number[] },
): Decision | undefined {
  const elapsedUs = Math.ceil((nowMs - askedMs) * 1_000 * (1 + DRIFT_PPM / 1e6));
  const parts = policies.map(({ name, policy }, i) => {
    const levelQuanta = Math.min(
      policy.capacityQuanta,
      (levelsQuanta[i] ?? Number.NaN) + elapsedUs * policy.quantaPerUs,
    );
    const missing = (costs[i] ?? 0) * policy.quantaPerToken - levelQuanta;
    return {
      policy: name,
      remainingTokens: Math.floor(levelQuanta / policy.quantaPerToken),
      levelQuanta,
      retryAfterUs: missing > 0 ? Math.ceil(missing / policy.quantaPerUs) : 0,
    };
  });
  const retryAfterUs = Math.max(...parts.map((part) => part.retryAfterUs));
  if (!(retryAfterUs > 0)) return undefined;
  return {
    allowed: false,
    remainingTokens: Math.min(...parts.map(({ remainingTokens }) => remainingTokens)),
    retryAfterUs,
    evidence: { strategy, node, source: 'local' },
    ...(parts.length > 1 && { policies: parts }),
  };
}

function checkForMs(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_FOR_MS) return ms;
  throw new OpenclawError(
    'INVALID_OPTION',
    `local answers are for 1 to ${MOST_FOR_MS} whole milliseconds; found ${quoted(ms)}`,
    { hint: `the default is ${DEFAULT_FOR_MS}` },
  );
}
