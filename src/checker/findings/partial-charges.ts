import { bucketName, KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';

/**
 * Chosen from simulated limiters with this and with other bugs. Decisions are known as intervals, so the order of some is
 * not, and not every one fits.
 */
const WRONG_AT_MOST = 0.1;
/** How much worse every other bug must fit. */
const CLEAR_BY = 0.05;
/** Of such charges, for each false denial. One charge may be followed by many of them, under a load above the limit. */
const CHARGES_AT_LEAST = 0.05;

/** Other bugs of the same policy, each alone: then nothing is said. */
const OTHERWISE: readonly Partial<Bug>[] = [
  ...[0.4, 0.5, 0.6, 0.7, 0.8, 0.9].flatMap((factor) => [{ refill: factor }, { capacity: factor }]),
  { cost: 2 },
  { reserveTokens: 1 },
];

export interface PartialCharges {
  readonly policy: string;
  /** False denials that are right if this policy is charged by requests that another one denied. */
  readonly explained: number;
  readonly falseDenials: number;
}

/**
 * The policy that is charged although another one denied, which is not all or none. For each policy, its buckets are run
 * once more: a request that the ideal bucket of another policy denies charges it. Then the false denials are those that
 * this bucket cannot pay, and the admissions remain possible. Undefined unless that fits exactly one policy.
 */
export function partialCharges(
  table: OperationTable,
  withFindings: readonly BucketResult[],
): PartialCharges | undefined {
  const tallies = new Map<string, { readonly charged: Tally; readonly otherwise: readonly Tally[] }>();
  const bucketsOf = withFindings.length === 0 ? new Map<string, number[]>() : bucketsByBase(table);
  for (const { bucket, denials } of withFindings) {
    const found = new Set<number>();
    for (const row of denials.rows()) if (isOfSeveral(table, row)) found.add(row);
    if (found.size === 0) continue;
    const others = (bucketsOf.get(baseOf(table, bucket)) ?? []).filter((other) => other !== bucket);
    const elsewhere = new Set(others.flatMap((other) => deniedBy(table, other)));
    const policy = table.policyNameOf(bucket);
    const known = tallies.get(policy) ?? { charged: newTally(), otherwise: OTHERWISE.map(newTally) };
    tallies.set(policy, known);
    const of = { table, bucket, found };
    addBucket(known.charged, { ...of, elsewhere });
    for (const [at, bug] of OTHERWISE.entries())
      addBucket(known.otherwise[at] ?? newTally(), { ...of, elsewhere: NONE, bug });
  }
  const fitting = [...tallies].filter(
    ([, { charged, otherwise }]) =>
      wrongShare(charged) <= WRONG_AT_MOST &&
      charged.charges >= CHARGES_AT_LEAST * charged.falseDenials &&
      otherwise.every((other) => wrongShare(other) > wrongShare(charged) + CLEAR_BY),
  );
  const [only, another] = fitting;
  if (only === undefined || another !== undefined) return undefined;
  const [policy, { charged }] = only;
  return { policy, explained: charged.explained, falseDenials: charged.falseDenials };
}

const NONE: ReadonlySet<string> = new Set();

const newTally = (): Tally => ({
  ...{ explained: 0, falseDenials: 0, charges: 0, contradicted: 0, admissions: 0 },
});

interface Tally {
  explained: number;
  falseDenials: number;
  /** By requests that another policy denied. */
  charges: number;
  /** Admissions that this bucket could not pay. */
  contradicted: number;
  admissions: number;
}

/** How badly a bucket fits: the shares of false denials that it leaves unexplained, and of admissions that it contradicts. */
function wrongShare({ explained, falseDenials, contradicted, admissions }: Tally): number {
  return 1 - explained / Math.max(1, falseDenials) + contradicted / Math.max(1, admissions);
}

/** What a limiter does otherwise: factors of refill, capacity and cost, and tokens that it never gives. */
interface Bug {
  readonly refill: number;
  readonly capacity: number;
  readonly cost: number;
  readonly reserveTokens: number;
}

const NO_BUG: Bug = { refill: 1, capacity: 1, cost: 1, reserveTokens: 0 };

function addBucket(
  tally: Tally,
  {
    table,
    bucket,
    found,
    elsewhere,
    bug = {},
  }: {
    readonly table: OperationTable;
    readonly bucket: number;
    readonly found: ReadonlySet<number>;
    /** Decisions that another policy denied. */
    readonly elsewhere: ReadonlySet<string>;
    readonly bug?: Partial<Bug>;
  },
): void {
  replay(table, bucket, { ...NO_BUG, ...bug }, ({ row, isDenied, level, cost, slack }) => {
    const isPaid = level >= cost;
    if (!isDenied) {
      tally.admissions++;
      if (level + slack < cost) tally.contradicted++;
      return true;
    }
    if (found.has(row)) tally.falseDenials++;
    if (found.has(row) && !isPaid) tally.explained++;
    if (!isPaid || !elsewhere.has(decisionOf(table, row))) return false;
    tally.charges++;
    return true;
  });
}

/** The decisions that the ideal bucket denies, charged by admissions alone. */
function deniedBy(table: OperationTable, bucket: number): string[] {
  const denied: string[] = [];
  replay(table, bucket, NO_BUG, ({ row, isDenied, level, cost }) => {
    if (isDenied && level < cost) denied.push(decisionOf(table, row));
    return !isDenied;
  });
  return denied;
}

interface Step {
  readonly row: number;
  readonly isDenied: boolean;
  /** In quanta, before the decision; `slack` is what the interval of the decision refills. */
  readonly level: number;
  readonly cost: number;
  readonly slack: number;
}

/** Runs a bucket over its decisions in the order of their middles; `isCharged` says which charge it. */
function replay(table: OperationTable, bucket: number, bug: Bug, isCharged: (step: Step) => boolean): void {
  const { capacityQuanta, quantaPerUs, quantaPerToken } = table.policyOf(bucket);
  const most = capacityQuanta * bug.capacity;
  const perUs = quantaPerUs * bug.refill;
  const reserve = bug.reserveTokens * quantaPerToken;
  let [stored, atUs] = [most, Number.NEGATIVE_INFINITY];
  for (const row of rowsInTime(table, bucket)) {
    const nowUs = middleUs(table, row);
    stored = Math.min(most, stored + perUs * (nowUs - atUs));
    atUs = nowUs;
    const cost = (table.costTokens[row] as number) * quantaPerToken * bug.cost;
    const step = {
      row,
      isDenied: ((table.kinds[row] as number) & KIND.outcome) === KIND.denied,
      level: stored - reserve,
      cost,
      slack: (table.lastUs(row) - (table.invokedUs[row] as number)) * perUs,
    };
    if (isCharged(step)) stored = Math.max(0, stored - cost);
  }
}

/** The moment of a decision is known only as an interval. */
function middleUs(table: OperationTable, row: number): number {
  return ((table.invokedUs[row] as number) + table.lastUs(row)) / 2;
}

/** The allowed and denied operations of a bucket, in the order of their middles. */
function rowsInTime(table: OperationTable, bucket: number): number[] {
  const rows: number[] = [];
  for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
    const outcome = (table.kinds[row] as number) & KIND.outcome;
    if (outcome === KIND.allowed || outcome === KIND.denied) rows.push(row);
  }
  return rows.sort((a, b) => middleUs(table, a) - middleUs(table, b));
}

function isOfSeveral({ kinds }: OperationTable, row: number): boolean {
  return ((kinds[row] as number) & KIND.multiBucket) !== 0;
}

function decisionOf(table: OperationTable, row: number): string {
  const { file, index } = table.operationOf(row);
  return `${index} ${file}`;
}

/** The buckets that differ in their policies only. */
function bucketsByBase(table: OperationTable): Map<string, number[]> {
  const byBase = new Map<string, number[]>();
  for (let bucket = 0; bucket < table.starts.length - 1; bucket++) {
    const base = baseOf(table, bucket);
    const known = byBase.get(base);
    if (known === undefined) byBase.set(base, [bucket]);
    else known.push(bucket);
  }
  return byBase;
}

/** The name of a bucket without its policy. */
function baseOf(table: OperationTable, bucket: number): string {
  const name = table.nameOf(bucket);
  const policy = table.policyNameOf(bucket);
  return policy === '' ? name : name.slice(0, name.length - bucketName('', policy).length);
}
