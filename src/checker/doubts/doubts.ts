import type { Policy } from '../../core/policy.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { OverAdmission } from '../proofs/over-admission.ts';
import type { ReplayFinding } from '../proofs/replay.ts';
import type { BrokenWindows } from '../windows/broken-windows.ts';
import { ANY_NUMBER, type Unrecorded } from './unrecorded.ts';

/** A checker whose findings can be explained by requests missing from the history. */
export type Doubted = 'overAdmission' | 'falseDenials' | 'replay' | 'windows' | 'dishonest';

/** The findings of one checker, over all buckets, that requests missing from the history can explain. */
export interface Doubt {
  readonly buckets: number;
  /** Tokens of over-admission, otherwise a count. */
  readonly total: number;
  /** The most of one bucket. */
  readonly largest: number;
  /** The bucket that needs the most missing requests, and a lower bound of their number. */
  readonly needed: number;
  readonly bucket: string;
  /** How many requests may be missing from the history. */
  readonly most: number;
}

/** Separates the findings that requests missing from the history can explain. */
export class Doubts {
  readonly #unrecorded: Unrecorded;
  readonly #found = new Map<Doubted, Doubt>();
  /** Whether a finding depended on the number of requests that may be missing. */
  #isAsked = false;

  constructor(unrecorded: Unrecorded) {
    this.#unrecorded = unrecorded;
  }

  /** Whether missing requests can explain a bucket's finding. If so, the finding is recorded as doubtful. */
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

  /** The assumption on the number of missing requests, if the verdict depended on it. */
  assumptions(): string[] {
    return this.#isAsked ? [this.#unrecorded.aboutRequests()] : [];
  }
}

/**
 * A lower bound of the missing refunds that explain an excess. A bucket holds at most its capacity, so a refund returns
 * at most that. A reset counts as a refund. A missing attempt moves one charge.
 */
export function refundsNeeded(
  { totalExcessQuanta }: OverAdmission,
  { capacityQuanta }: Policy,
  { mayRefund, mayRepeat }: Unrecorded,
): number {
  return mayRefund || mayRepeat ? Math.ceil(totalExcessQuanta / capacityQuanta) : Number.POSITIVE_INFINITY;
}

/**
 * A lower bound of the missing requests that explain replay mismatches. A request takes or returns at most a capacity,
 * once on each node; if a failover loses its write, the charge returns once. So the gaps of one node and one sign need
 * separate requests. No request explains a reply that contradicts itself. A missing attempt may explain the gaps on both
 * sides of the reply that repeats it.
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
 * A lower bound of the missing requests that explain broken windows. A refund is worth at most one limit. If windows
 * start with an operation, a missing operation can have started one: spans that no single operation can explain together
 * need one each.
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

/** The doubt as a sentence, with the option that resolves it. `isCut`: the end of the history is missing. */
export function doubtText(checker: Doubted, doubt: Doubt, { isCut }: { isCut: boolean }): string {
  const { buckets, needed, bucket, most } = doubt;
  const [one, many] = MISSING[checker];
  const requests = needed === 1 ? `a ${one}` : `${needed} ${many}`;
  const fewer = needed > 1 ? `, or --open-at-end ${needed - 1} if at most so many of one bucket were` : '';
  const wayOut = isCut && most < ANY_NUMBER ? `; add --complete if none was open when it ended${fewer}` : '';
  return (
    `${FOUND[checker](doubt)} in ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}, unless ${requests} of ${bucket} ` +
    `${needed === 1 ? 'is' : 'are'} missing from the history (${most === ANY_NUMBER ? 'any number' : `at most ${most}`} may be)${wayOut}`
  );
}

const MISSING: Readonly<Record<Doubted, readonly [one: string, many: string]>> = {
  overAdmission: ['refund', 'refunds'],
  falseDenials: ['request', 'requests'],
  replay: ['request or refund', 'requests or refunds'],
  windows: ['request or refund', 'requests or refunds'],
  dishonest: ['request or refund', 'requests or refunds'],
};

const FOUND: Readonly<Record<Doubted, (doubt: Doubt) => string>> = {
  overAdmission: ({ total }) => `${Math.round(total * 1_000) / 1_000} tokens too many were admitted`,
  falseDenials: ({ total }) => `${total} more ${total === 1 ? 'denial is' : 'denials are'} false`,
  replay: ({ total }) =>
    `${total} more ${total === 1 ? 'decision does' : 'decisions do'} not match the token math`,
  windows: ({ total }) => `${total} ${total === 1 ? 'window breaks' : 'windows break'} the promise`,
  dishonest: ({ total }) => `${total} more stated ${total === 1 ? 'value is' : 'values are'} wrong`,
};
