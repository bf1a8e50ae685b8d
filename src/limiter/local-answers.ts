import type { Decision } from '../core/decision.ts';
import { OpenclawError, quoted } from '../core/errors.ts';
import { bucketKey } from './key.ts';
import { checkKnown, type Known } from './known-options.ts';
import type { Limiter, NamedPolicy, Subject } from './limiter.ts';
import { checkCostNames, costOf } from './policies.ts';
import { readTakeOptions } from './take-options.ts';

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

const KNOWN: Known<LocalAnswerOptions> = { forMs: true };
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
  checkKnown(options, {
    of: 'localAnswers',
    known: KNOWN,
    hint: `write localAnswers: { forMs: ${DEFAULT_FOR_MS} }, or leave it out`,
  });
  const forMs = checkForMs(options.forMs ?? DEFAULT_FOR_MS);
  const denials = new Map<string, Denied>();
  const raises = new Raises(nowMs);

  /** What was asked before this has ended may be answered by the level before it: until then no denial is kept. */
  async function raising<T>(subject: Subject, raise: () => Promise<T>): Promise<T> {
    const key = bucketKey('', subject);
    denials.delete(key);
    raises.begin(key);
    try {
      return await raise();
    } finally {
      raises.end(key);
    }
  }

  return {
    ...limiter,
    async take(subject, takeOptions = {}) {
      const { cost, decisionId } = readTakeOptions(takeOptions);
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
    refund: (subject, refundOptions) => raising(subject, () => limiter.refund(subject, refundOptions)),
    reset: (subject) => raising(subject, () => limiter.reset(subject)),
  };

  function remember(key: string, { evidence, policies }: Decision, askedMs: number): void {
    if (raises.mayHaveCome(key, askedMs)) return;
    const { levelQuanta, node } = evidence;
    const levelsQuanta = policies?.map((part) => part.levelQuanta) ?? [levelQuanta ?? Number.NaN];
    denials.delete(key); // to the end: the oldest is dropped first
    denials.set(key, { levelsQuanta, askedMs, node });
    const [oldest] = denials.keys();
    if (denials.size > MOST_REMEMBERED && oldest !== undefined) denials.delete(oldest);
  }
}

/** When levels were last raised by this process' own refunds and resets. */
class Raises {
  readonly #nowMs: () => number;
  readonly #underWay = new Map<string, number>();
  readonly #endedMs = new Map<string, number>();
  /** Of those that are no longer listed, the last. */
  #unlistedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(key: string): void {
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
  }

  end(key: string): void {
    const left = (this.#underWay.get(key) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, left);
    this.#endedMs.delete(key); // to the end: the oldest is dropped first
    this.#endedMs.set(key, this.#nowMs());
    const [oldest] = this.#endedMs;
    if (this.#endedMs.size <= MOST_REMEMBERED || oldest === undefined) return;
    this.#endedMs.delete(oldest[0]);
    this.#unlistedMs = oldest[1];
  }

  /** Whether a level may have been raised since this moment, or later than it was read. */
  mayHaveCome(key: string, sinceMs: number): boolean {
    if (this.#underWay.has(key)) return true;
    return sinceMs <= Math.max(this.#unlistedMs, this.#endedMs.get(key) ?? Number.NEGATIVE_INFINITY);
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
