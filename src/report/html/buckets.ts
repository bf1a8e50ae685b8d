import type { BucketResult, CheckerContext } from '../../checker/bucket-result.ts';
import type { FindingKind } from '../../checker/findings/finding.ts';
import { doesLagFade } from '../../checker/proofs/lag.ts';
import type { Refund } from '../../checker/proofs/refund.ts';
import { BucketRows } from '../../checker/rows/bucket-rows.ts';
import { given } from '../../core/given.ts';
import type { Policy } from '../../core/policy.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { PageBucket, Violation } from './page-data.ts';
import { ownSpanOf } from './window-span.ts';

/** The most operations of all buckets in a page: each takes some 20 bytes. */
const MOST_OPERATIONS = 80_000;

/** The most operations of one bucket: of a longer one, those around the worst violation. */
const MOST_OF_ONE = 20_000;

/** The most wrong values of all buckets in a page: a limiter with a wrong header states one in every reply. */
const MOST_LIES = 5_000;

interface PageOptions {
  readonly regions: readonly string[];
  /** Whether the history has resets, which write buckets. */
  readonly hasResets?: boolean;
  /** Of a promise of windows. */
  readonly windows?: CheckerContext['windows'];
  readonly room?: number;
}

/** Adds the operations of buckets to a page, one bucket after another, while there is room. */
export class PageBuckets {
  readonly buckets: PageBucket[] = [];
  readonly policies: Policy[] = [];
  readonly #table: OperationTable;
  readonly #regions: ReadonlyMap<string, number>;
  readonly #rows: BucketRows;
  readonly #hasResets: boolean;
  readonly #windows: PageOptions['windows'];
  #room: number;
  #roomForLies = MOST_LIES;

  constructor(
    table: OperationTable,
    { regions, hasResets = false, windows, room = MOST_OPERATIONS }: PageOptions,
  ) {
    this.#hasResets = hasResets;
    this.#windows = windows;
    this.#table = table;
    this.#regions = new Map(regions.map((name, at) => [name, at]));
    this.#rows = new BucketRows(table);
    this.#room = room;
  }

  /** Whether some wrong values are left out. */
  get areLiesCut(): boolean {
    return this.#roomForLies < 0;
  }

  /** Adds the bucket if there is room for it. */
  add(bucket: number, result: BucketResult | undefined): void {
    const all = this.#rowsOf(bucket);
    const wanted = Math.min(all.length, MOST_OF_ONE);
    if (wanted > this.#room || wanted === 0) return;
    this.#room -= wanted;
    const rows = stretchAround(all, wanted, violatedRows(result));
    this.#rows.load(bucket);
    const policy = this.#table.policyOf(bucket);
    const refunds = (result?.refunds ?? this.#refunds(policy)).filter(({ fromUs }) =>
      Number.isFinite(fromUs),
    );
    this.buckets.push({
      name: this.#table.nameOf(bucket),
      policy: this.#policyPlace(policy),
      ...given({ span: result && this.#windows && ownSpanOf(this.#windows, result.windows) }),
      ...(wanted < all.length ? { of: all.length } : {}),
      ...this.#columns(rows),
      violations: this.#violations(rows, result),
      refunds: refunds.map((refund) => ({
        ...refund,
        lastUs: Number.isFinite(refund.lastUs) ? refund.lastUs : null,
      })),
      fades: !this.#hasResets && doesLagFade(this.#rows, policy, refunds),
    });
  }

  /** In the order of invocation; without attempts that another one stands for, and refunds. */
  #rowsOf(bucket: number): number[] {
    const { starts, kinds, invokedUs, costTokens } = this.#table;
    const rows: number[] = [];
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
      if (((kinds[row] as number) & KIND.merged) === 0 && (costTokens[row] as number) >= 0) rows.push(row);
    return rows.sort((a, b) => (invokedUs[a] as number) - (invokedUs[b] as number));
  }

  #columns(
    rows: readonly number[],
  ): Pick<PageBucket, 'invokedUs' | 'durationUs' | 'outcomes' | 'regions' | 'indices'> {
    const table = this.#table;
    const costs = rows.map((row) => table.costTokens[row] as number);
    return {
      invokedUs: differences(rows.map((row) => table.invokedUs[row] as number)),
      durationUs: rows.map((row) => {
        const lastUs = table.lastUs(row);
        return lastUs === Number.POSITIVE_INFINITY ? -1 : lastUs - (table.invokedUs[row] as number);
      }),
      outcomes: rows.map((row) => LETTERS[(table.kinds[row] as number) & KIND.outcome]).join(''),
      regions: rows.map((row) => this.#regions.get(table.regionOf(row)) ?? this.#regions.size - 1),
      indices: differences(rows.map((row) => table.indices[row] as number)),
      ...(costs.every((cost) => cost === 1) ? {} : { costs }),
    };
  }

  #violations(rows: readonly number[], result: BucketResult | undefined): Violation[] {
    if (result === undefined) return [];
    const { quantaPerToken } = this.#table.policyOf(result.bucket);
    const places = new Map(rows.map((row, at) => [row, at]));
    const tokens = (quanta: number) => Math.round((1_000 * quanta) / quantaPerToken) / 1_000;
    const found: Violation[] = [];
    const add = (row: number, violation: { kind: Exclude<FindingKind, 'dishonest'>; tokens: number }) => {
      const at = places.get(row);
      if (at !== undefined) found.push({ at, ...violation });
    };
    for (const { row, quanta } of result.over.drops)
      add(row, { kind: 'over-admission', tokens: tokens(quanta) });
    for (const { row, lowestQuanta } of result.denials)
      add(row, { kind: 'false-denial', tokens: tokens(lowestQuanta) });
    for (const { row, gapQuanta } of result.replay.findings)
      add(row, { kind: 'replay', tokens: tokens(gapQuanta) });
    for (const { row, tokens: excess } of result.windows) add(row, { kind: 'window', tokens: excess });
    for (const { row, reason } of result.lies) {
      const at = places.get(row);
      if (at === undefined) continue;
      if (this.#roomForLies-- <= 0) break;
      found.push({ at, kind: 'dishonest', reason });
    }
    return found;
  }

  #refunds({ quantaPerToken }: Policy): Refund[] {
    const { invokedUs, costTokens } = this.#table;
    return this.#rows.refunds.map((row) => ({
      fromUs: invokedUs[row] as number,
      lastUs: this.#table.lastUs(row),
      quanta: -(costTokens[row] as number) * quantaPerToken,
    }));
  }

  #policyPlace(policy: Policy): number {
    const known = this.policies.indexOf(policy);
    return known >= 0 ? known : this.policies.push(policy) - 1;
  }
}

const LETTERS = ['a', 'd', 'f', 'i'];

function violatedRows(result: BucketResult | undefined): number[] {
  if (result === undefined) return [];
  const { over, denials, replay, windows, lies } = result;
  const [lie] = lies;
  let worst = over.drops.first;
  for (const drop of over.drops) if (drop.quanta > (worst?.quanta ?? 0)) worst = drop;
  const first = denials.first ?? replay.findings[0] ?? windows.first ?? lie;
  return [worst, first].flatMap((one) => (one === undefined ? [] : [one.row]));
}

/** `length` consecutive rows, with the first wanted row at three quarters. */
function stretchAround(
  rows: readonly number[],
  length: number,
  wanted: readonly number[],
): readonly number[] {
  if (rows.length <= length) return rows;
  const at = wanted[0] === undefined ? 0 : rows.indexOf(wanted[0]);
  const from = Math.max(0, Math.min(rows.length - length, at - Math.floor(0.75 * length)));
  return rows.slice(from, from + length);
}

function differences(values: readonly number[]): number[] {
  return values.map((value, at) => (at === 0 ? value : value - (values[at - 1] as number)));
}
