import type { Decision } from '../../core/decision.ts';
import { invalidOption } from '../../core/errors.ts';
import { checkKnown, type Known } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';
import { timeToLevelUs } from '../../core/retry-after.ts';
import type { Time } from '../../core/time.ts';
import type { Limiter, NamedPolicy, Subject } from '../limiter.ts';
import { bucketKey } from '../options/key.ts';
import { checkCostNames, costOf } from '../options/policies.ts';
import { readTakeOptions } from '../options/take-options.ts';
import { withMethods } from './unheld.ts';

export interface LocalAnswerOptions {
  /** How long a denial may answer later takes, from its own request on. Milliseconds, 1 to 60000. Default 1000. */
  readonly forMs?: number;
}

/** The error bound of local answers. A local answer is a denial, so it never admits too much. */
export interface LocalAnswerBound {
  /**
   * How long a local denial may be false after the level rose by other means than refill: a refund, settlement or reset
   * elsewhere, a reservation that expired, a failover, lost data, a clock step, another policy or home. Microseconds.
   */
  readonly falseForUs: number;
  /** How much faster than this process's clock the server's clock may run without a false denial. Parts per million. */
  readonly driftPpm: number;
}

const KNOWN: Known<LocalAnswerOptions> = { forMs: true };
const DEFAULT_FOR_MS = 1_000;
const MOST_FOR_MS = 60_000;
const DRIFT_PPM = 1_000;
const MOST_REMEMBERED = 10_000;

/**
 * The bound for these options: a local denial is false for at most `falseForUs`, and only for the reasons there. Throws
 * INVALID_OPTION.
 */
export function localAnswerBound(options: LocalAnswerOptions = {}): LocalAnswerBound {
  return { falseForUs: readForMs(options) * 1_000, driftPpm: DRIFT_PPM };
}

/** The levels of a denial, and the time of its request: Redis read them later. */
interface Denied {
  readonly levelsQuanta: readonly number[];
  readonly askedMs: number;
  readonly node: string;
}

/**
 * Denies a take if the last denial of its subject proves that Redis would deny it too: the bucket now holds at most
 * level + (time since that request) * refill, which is below the cost. A take with a decision id always goes to Redis,
 * since it may have been admitted before. Throws INVALID_OPTION.
 */
export function answerLocally(
  limiter: Limiter,
  options: LocalAnswerOptions,
  time: Pick<Time, 'nowUs'>,
): Limiter {
  const nowMs = () => time.nowUs() / 1_000;
  const forMs = readForMs(options);
  const denials = new Map<string, Denied>();
  const raises = new Raises(nowMs);

  /** A denial requested before this ends may show the level before it, so no denial is stored until then. */
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
    async reserve(subject, reserveOptions) {
      const reservation = await limiter.reserve(subject, reserveOptions); // it has an id, so Redis decides
      const { settle } = reservation;
      return withMethods(reservation, { settle: (actual) => raising(subject, () => settle(actual)) });
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

/** The times of this process's own refunds, settlements and resets. */
class Raises {
  readonly #nowMs: () => number;
  readonly #underWay = new Map<string, number>();
  readonly #endedMs = new Map<string, number>();
  /** The latest time that was removed from the list. */
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

  /** Whether a refund or reset may have raised the level since this time. */
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
    return {
      policy: name,
      remainingTokens: Math.floor(levelQuanta / policy.quantaPerToken),
      levelQuanta,
      retryAfterUs: timeToLevelUs(levelQuanta, (costs[i] ?? 0) * policy.quantaPerToken, policy),
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

function readForMs(options: LocalAnswerOptions): number {
  checkKnown(options, {
    of: 'localAnswers',
    known: KNOWN,
    hint: `use localAnswers: { forMs: ${DEFAULT_FOR_MS} }, or remove it`,
  });
  const { forMs: ms = DEFAULT_FOR_MS } = options;
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_FOR_MS) return ms;
  throw invalidOption(
    `localAnswers.forMs must be 1 to ${MOST_FOR_MS} whole milliseconds; found ${quoted(ms)}`,
    `the default is ${DEFAULT_FOR_MS}`,
  );
}
