import { given } from '../../core/given.ts';
import type { Policy } from '../../core/policy.ts';
import { formatPromise, type Promised } from '../../core/promise.ts';
import { isStrategy } from '../../core/strategies.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { type BucketResult, type CheckerContext, hasWrongAnswers } from '../bucket-result.ts';
import type { CheckOptions } from '../check-options.ts';
import type { Prepared } from '../prepare.ts';
import { judgeDenials } from '../proofs/false-denial.ts';
import { roomLevel, windowLevel } from '../proofs/lowest-level.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { indexResets, type Reset } from '../rows/resets.ts';
import type { CheckerResults } from '../run-checkers.ts';
import { LatestCounter } from '../windows/latest-counter.ts';
import { findBrokenWindows } from '../windows/promised-windows.ts';
import { bucketsToTry, refutableIfKept } from './kept.ts';
import type { Reason } from './reasons/reasons.ts';
import { Trial } from './reasons/trial.ts';

interface Judged {
  readonly prepared: Pick<Prepared, 'promise' | 'context' | 'windowsOf'>;
  readonly results: CheckerResults;
  readonly reasons: readonly Reason[];
  readonly options: Pick<CheckOptions, 'sayPromise'>;
}

const sayFlag = (promise: Promised) => `--promise ${formatPromise(promise)}`;

/** The defects that a history shows by themselves: no promise makes them right. */
const SEEN = new Set([
  'lost-decisions',
  'empty-restart',
  'clock-step',
  'regions-apart',
  'instances-apart',
  'race',
  'last-write',
]);

/**
 * The strictest promise other than the given one that explains the whole history, as a sentence: by it, no admission and no
 * denial is wrong. Tried are the forms that a promise can have, with the limit and the window that the replies state, else
 * with those of the given promise. None if the history shows a defect by itself.
 *
 * A promise that convicts little explains much, so the history must show its limit. Some denial must be refutable by it. By
 * a form that judges no denials, each denial must be right by an exact log of the same window, which counts all that such a
 * window counts, and one must be false by a log of a token more; of a sliding counter the same by two cells of the epoch,
 * if the time of day of its clock is known. No bucket of another capacity may explain all. Such a form also excuses an
 * excess of up to a limit. So it must acquit the limiter of a false denial, or of more than a race gives, 1.5 times the
 * limit in less than a window; or the replies state a limit that is not the given one.
 */
export function otherPromise(history: History, judged: Judged): string[] {
  const { prepared, results, reasons, options } = judged;
  const { operations: table } = history;
  const isWrong = results.withFindings.some((result) => isFound(result, prepared.promise));
  if (!(isWrong || results.doubts.falseDenials) || reasons.some(({ reason }) => SEEN.has(reason))) return [];
  const policy = table.policyOf(0);
  for (let bucket = 1; bucket < table.bucketCount; bucket++) if (table.policyOf(bucket) !== policy) return [];
  const trial = new PromiseTrial(history, judged, policy);
  const found = trial.candidates.find((one) => trial.isShown(one) && trial.explains(one));
  if (found === undefined) return [];
  const { sayPromise = sayFlag } = options;
  return [
    `${formatPromise(found)} explains every decision: if that is what the limiter promises, check it with ${sayPromise(found, policy)}`,
  ];
}

/** Whether an admission or a denial is wrong; what a token bucket would not admit is not, by a promise of windows. */
function isFound(result: BucketResult, { type }: Promised): boolean {
  const { windows, denials } = result;
  return type === 'token-bucket' ? hasWrongAnswers(result) : windows.length + denials.length > 0;
}

/** A limit and the length of its window. */
interface Amount {
  readonly limit: number;
  readonly windowUs: number;
}

/** The forms of a promise with windows of this amount, the strictest first. */
function formsOf(amount: Amount): Promised[] {
  return [
    { type: 'sliding-window', ...amount },
    { type: 'token-bucket' },
    { type: 'fixed-window', ...amount, alignment: 'epoch' },
    { type: 'fixed-window', ...amount, alignment: 'first' },
    { type: 'sliding-counter', ...amount },
    { type: 'fixed-window', ...amount, alignment: 'any' },
  ];
}

function amountOf(promise: Promised, { capacityTokens, capacityQuanta, quantaPerUs }: Policy): Amount {
  if (promise.type !== 'token-bucket') return promise;
  return { limit: capacityTokens, windowUs: capacityQuanta / quantaPerUs };
}

/** Tries promises on one history of one policy. */
class PromiseTrial {
  readonly #history: History;
  readonly #judged: Judged;
  readonly #policy: Policy;
  readonly #given: Amount;
  readonly #stated: Partial<Amount>;
  readonly #rows: BucketRows;
  readonly #buckets: readonly number[];
  readonly #resets: (bucket: number) => readonly Reset[];

  constructor(history: History, judged: Judged, policy: Policy) {
    this.#history = history;
    this.#judged = judged;
    this.#policy = policy;
    this.#given = amountOf(judged.prepared.promise, policy);
    this.#rows = new BucketRows(history.operations);
    this.#buckets = bucketsToTry(history.operations, judged.results.withFindings);
    this.#stated = statedIn(history.operations, this.#buckets);
    this.#resets = indexResets(history);
  }

  /** The other promises to try, the strictest first. A strategy of ours is a token bucket. */
  get candidates(): Promised[] {
    const { limit, windowUs } = { ...this.#given, ...this.#stated };
    const given = formatPromise(this.#judged.prepared.promise);
    const hasWindows = Number.isInteger(windowUs) && !isStrategy(this.#history.header.strategy);
    return formsOf({ limit, windowUs }).filter(
      (form) => (form.type === 'token-bucket' || hasWindows) && formatPromise(form) !== given,
    );
  }

  /** Whether the history shows this promise, by the buckets that are tried. */
  isShown(promise: Promised): boolean {
    const { windows } = this.#contextOf(promise);
    if (windows?.areDenialsJudged === false && !this.#showsLimit(windows)) return false;
    return this.#refutable(promise, this.#buckets) > 0;
  }

  /** Whether no admission and no denial of the whole history is wrong. */
  explains(promise: Promised): boolean {
    const { bucketCount } = this.#history.operations;
    return (
      this.#refutable(
        promise,
        Array.from({ length: bucketCount }, (_, bucket) => bucket),
      ) > 0
    );
  }

  #refutable(promise: Promised, buckets: readonly number[]): number {
    const how = { policy: this.#policy, context: this.#contextOf(promise) };
    return refutableIfKept(this.#rows, buckets, (bucket) => ({ ...how, resets: this.#resets(bucket) }));
  }

  #contextOf(promise: Promised): CheckerContext {
    const { context, windowsOf } = this.#judged.prepared;
    const { windows: _, ...others } = context;
    return { ...others, ...windowsOf(promise) };
  }

  /** Of windows that judge no denials. Those of the epoch at an unknown time of day are not told from others. */
  #showsLimit({ promise, clock }: Windows): boolean {
    if (promise.type === 'fixed-window' && promise.alignment === 'epoch') return false;
    if (promise.type === 'sliding-counter' && clock.offset === undefined) return false;
    const { limit, windowUs } = promise;
    const isMore = this.#stated.limit !== undefined && this.#stated.limit !== this.#given.limit;
    const most = { type: 'sliding-window', limit: Math.floor(1.5 * limit), windowUs } as const;
    if (!isMore && !this.#hasFalseDenials && !this.#exceeds({ promise: most, clock })) return false;
    if (this.#isBucket()) return false;
    return !this.#deniesBelow(limit, { promise, clock }) && this.#deniesBelow(limit + 1, { promise, clock });
  }

  /** Whether a bucket of the same refill and another capacity may have made all decisions: these forms allow its admissions. */
  #isBucket(): boolean {
    const { context } = this.#judged.prepared;
    const found = { drops: 0, falseDenials: 0, wrongLevels: 0, brokenWindows: 0 };
    const trial = new Trial({ table: this.#history.operations, context, buckets: this.#buckets, ...found });
    if (this.#buckets.length === 0) return true;
    const { capacityTokens } = this.#policy;
    let [low, high] = [1 - capacityTokens, MOST_TIMES * capacityTokens];
    while (low < high) {
      const plus = Math.floor((low + high) / 2);
      if (trial.admitsBeyond({ plus })) low = plus + 1;
      else high = plus;
    }
    return !trial.deniesBelow({ plus: low });
  }

  get #hasFalseDenials(): boolean {
    const { withFindings, doubts } = this.#judged.results;
    return doubts.falseDenials !== undefined || withFindings.some(({ denials }) => denials.length > 0);
  }

  /** Whether a bucket admitted more than an exact log does. */
  #exceeds({ promise, clock }: Windows): boolean {
    return this.#some(
      (bucket) => findBrokenWindows(this.#rows, promise, clock, this.#resets(bucket)).length > 0,
    );
  }

  /** Whether a bucket denied what an exact log of this limit would have admitted, or a counter of two cells. */
  #deniesBelow(limit: number, { promise, clock }: Windows): boolean {
    const { known } = this.#judged.prepared.context;
    const log = { type: 'sliding-window', limit, windowUs: promise.windowUs } as const;
    const { offset } = clock;
    const levelOf =
      promise.type === 'sliding-counter' && offset !== undefined
        ? () => roomLevel(new LatestCounter({ ...promise, limit }, clock, offset))
        : () => windowLevel({ promise: log, clock }, known);
    return this.#some(
      () => judgeDenials(this.#rows, known, { levelOf, mostQuanta: limit }).denials.length > 0,
    );
  }

  #some(holds: (bucket: number) => boolean): boolean {
    return this.#buckets.some((bucket) => {
      this.#rows.load(bucket);
      return holds(bucket);
    });
  }
}

/** The largest capacity that is tried, as a multiple. */
const MOST_TIMES = 4;

type Windows = Pick<NonNullable<CheckerContext['windows']>, 'promise' | 'clock'>;

/** The limit and the window that all replies of these buckets state, if they are the same in each. */
function statedIn(table: OperationTable, buckets: readonly number[]): Partial<Amount> {
  const limits = new Set<number>();
  const windows = new Set<number>();
  for (const bucket of table.hasStated ? buckets : [])
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const { limit, windowS } = table.statedOf(row) ?? {};
      if (limit !== undefined) limits.add(limit);
      if (windowS !== undefined) windows.add(windowS * 1_000_000);
    }
  const only = (values: Set<number>) => (values.size === 1 ? [...values][0] : undefined);
  return given({ limit: only(limits), windowUs: only(windows) });
}
