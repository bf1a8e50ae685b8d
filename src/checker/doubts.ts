import type { Policy } from '../core/policy.ts';
import type { OperationTable } from '../history/table.ts';
import type { BrokenWindows } from './broken-windows.ts';
import type { OverAdmission } from './over-admission.ts';
import type { ReplayFinding } from './replay.ts';
import type { Unrecorded } from './unrecorded.ts';

/** A checker whose findings requests that are not in the history can explain. */
export type Doubted = 'overAdmission' | 'falseDenials' | 'replay' | 'windows';

/** What one checker found that requests which are not in the history can explain, over all buckets. */
export interface Doubt {
  readonly buckets: number;
  /** Tokens of over-admission, otherwise a count. */
  readonly total: number;
  /** Of the bucket with the most. */
  readonly largest: number;
  /** The most requests that one of the buckets needs, the least possible, and which bucket that is. */
  readonly needed: number;
  readonly bucket: string;
  /** How many may be missing from the history. */
  readonly most: number;
}

/** Sets apart what requests that are not in the history can explain. */
export class Doubts {
  readonly #unrecorded: Unrecorded;
  readonly #found = new Map<Doubted, Doubt>();
  /** Whether anything was convicted or doubted by how many requests may be missing. */
  #isAsked = false;

  constructor(unrecorded: Unrecorded) {
    this.#unrecorded = unrecorded;
  }

  /** Whether no more requests are needed to explain what was found in a bucket than may be missing. Notes it then. */
  explain(
    checker: Doubted,
    { bucket, needed, amount }: { bucket: string; needed: number; amount: number },
  ): boolean {
    const most = this.#unrecorded.mostRequests();
    if (most > 0 && Number.isFinite(needed)) this.#isAsked = true;
    if (needed > most) return false;
    const known = this.#found.get(checker);
    const isWorst = known === undefined || needed > known.needed;
    this.#found.set(checker, {
      buckets: (known?.buckets ?? 0) + 1,
      total: (known?.total ?? 0) + amount,
      largest: Math.max(known?.largest ?? 0, amount),
      needed: isWorst ? needed : known.needed,
      bucket: isWorst ? bucket : known.bucket,
      most,
    });
    return true;
  }

  found(): Partial<Record<Doubted, Doubt>> {
    return Object.fromEntries(this.#found);
  }

  /** What a verdict rests on that asked how many requests may be missing. */
  assumptions(): string[] {
    return this.#isAsked ? [this.#unrecorded.aboutRequests()] : [];
  }
}

/**
 * How many refunds that are not in the history explain an excess, the least possible: a bucket holds no more than its
 * capacity, so one gives back at most that. A reset counts as one. An attempt that is missing moves one charge.
 */
export function refundsNeeded(
  { totalExcessQuanta }: OverAdmission,
  { capacityQuanta }: Policy,
  { mayRefund, mayRepeat }: Unrecorded,
): number {
  return mayRefund || mayRepeat ? Math.ceil(totalExcessQuanta / capacityQuanta) : Number.POSITIVE_INFINITY;
}

/**
 * How many requests that are not in the history explain levels that the math does not give, the least possible. One
 * takes or gives at most a capacity, once on each node; where its write is lost at a failover it comes back once. So
 * the gaps of one node and one sign need requests of their own. A reply that contradicts itself needs no other. An attempt
 * that is missing may explain the gaps on either side of the answer that repeats it.
 */
export function requestsNeededByReplay(
  table: OperationTable,
  findings: readonly ReplayFinding[],
  { capacityQuanta }: Policy,
  { mayRepeat }: Unrecorded,
): number {
  const needed = new Map<string, number>();
  for (const { row, gapQuanta, reason } of findings) {
    if (reason !== 'level') return Number.POSITIVE_INFINITY;
    const key = `${table.levels?.node(row)} ${gapQuanta > 0}`;
    needed.set(key, (needed.get(key) ?? 0) + Math.ceil(Math.abs(gapQuanta) / capacityQuanta));
  }
  const most = [...needed.values()].reduce((sofar, requests) => Math.max(sofar, requests), 0);
  return mayRepeat ? Math.ceil(most / 2) : most;
}

/**
 * How many requests that are not in the history explain broken windows, the least possible. A refund is worth at most
 * one limit. Where windows start with an operation, one that is missing can have started one: spans in which no one
 * operation can do that for two of them need one each.
 */
export function requestsNeededByWindows(
  { length, mostTokens, openings }: BrokenWindows,
  limit: number,
  { mayRefund, mayRepeat }: Unrecorded,
): number {
  const mayGrow = mayRefund || mayRepeat;
  if (length === 0 || (openings !== undefined && !mayGrow)) return openings ?? 0;
  const refunds = mayGrow ? Math.ceil(mostTokens / limit) : Number.POSITIVE_INFINITY;
  return openings === undefined ? refunds : Math.min(1, refunds);
}

/** Says what is doubtful, and what would decide it; `isCut` where it is the end of the history that is missing. */
export function doubtText(checker: Doubted, doubt: Doubt, { isCut }: { isCut: boolean }): string {
  const { buckets, needed, bucket, most } = doubt;
  const [one, many] = MISSING[checker];
  const requests = needed === 1 ? `a ${one}` : `${needed} ${many}`;
  const fewer = needed > 1 ? `, --open-at-end ${needed - 1} that no more of a bucket were` : '';
  const wayOut = isCut ? `; --complete says that none was open at its end${fewer}` : '';
  return (
    `${FOUND[checker](doubt)} in ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}, unless ${requests} of ${bucket} ` +
    `${needed === 1 ? 'is' : 'are'} missing from the history, where ${most} may be${wayOut}`
  );
}

const MISSING: Readonly<Record<Doubted, readonly [one: string, many: string]>> = {
  overAdmission: ['refund', 'refunds'],
  falseDenials: ['request', 'requests'],
  replay: ['request or refund', 'requests or refunds'],
  windows: ['request or refund', 'requests or refunds'],
};

const FOUND: Readonly<Record<Doubted, (doubt: Doubt) => string>> = {
  overAdmission: ({ total }) => `${Math.round(total * 1_000) / 1_000} tokens too many were admitted`,
  falseDenials: ({ total }) => `${total} more ${total === 1 ? 'denial is' : 'denials are'} false`,
  replay: ({ total }) =>
    `${total} more ${total === 1 ? 'decision' : 'decisions'} left a level that the math does not give`,
  windows: ({ total }) => `${total} ${total === 1 ? 'window breaks' : 'windows break'} the promise`,
};
