import { printable } from '../../core/printable.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { LogReading } from '../../history/history.ts';
import type { BucketResult, CheckerContext } from '../bucket-result.ts';
import { lengthText } from '../evidence/interval-width.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { isDate, LAST_DATE_US } from '../windows/clock.ts';
import { bucketsToTry, refutableIfKept } from './kept.ts';

/** A log in a foreign format, the findings in it, and the context that found them. */
export interface LogWithFindings {
  readonly table: OperationTable;
  readonly reading: LogReading;
  readonly withFindings: readonly BucketResult[];
  readonly context: CheckerContext;
}

/** The factors of a unit that is wrong by one or two steps. */
const FACTORS = [1e3, 1e6, 1e-3, 1e-6];

/** How the log may have been misread. If another unit makes the log right, no other reason is given. */
export function misreadSentences(log: LogWithFindings): string[] {
  const fitting = fittingUnit(log);
  return fitting.length > 0 ? fitting : [...ofManyTimes(log), ...keySentences(log)];
}

/**
 * Finds another time unit in which the limiter keeps its promise. Longer times alone acquit any limiter of
 * over-admission, and shorter times of false denials. So the unit must acquit it of both, which says nothing where the
 * promise judges no denials; and some denials must be refutable.
 */
function fittingUnit({ table, reading, withFindings, context }: LogWithFindings): string[] {
  const { unitPower } = reading;
  if (unitPower === undefined || context.windows?.clock.offset !== undefined) return [];
  if (context.windows?.areDenialsJudged === false) return [];
  const buckets = bucketsToTry(table, withFindings);
  const possible = FACTORS.filter((factor) => isPossible(startOf(table), factor));
  const factor = possible.find((each) => keepsPromise(table, { buckets, context, factor: each }));
  if (factor === undefined) return [];
  const times = factor > 1 ? `${factor} times as long` : `${Math.round(1 / factor)} times as short`;
  const unit = Object.entries(UNITS).find(([, power]) => power === unitPower + Math.log10(factor))?.[0];
  return [
    `the time unit may be wrong: if all times were ${times}, the admissions and denials would be right` +
      `${unit === undefined ? '' : ` (--unit ${unit}, or a field name that ends in _${unit})`}`,
  ];
}

/**
 * Whether a history can have begun at this time in a unit that is `factor` times as long. Dates of this century are in
 * the right unit; any other time can be of a clock that counts from a start, and cannot be a date after this century.
 */
function isPossible(startUs: number, factor: number): boolean {
  return !isDate(startUs) && startUs * factor <= LAST_DATE_US;
}

function startOf({ invokedUs }: OperationTable): number {
  return invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
}

/** As powers of ten of a microsecond. */
const UNITS = { ns: -3, us: 0, ms: 3, s: 6 };

/** Any longer times acquit a log without denials or without a limiter, so this compares its admissions with the allowance. */
function ofManyTimes({ table, reading, withFindings, context }: LogWithFindings): string[] {
  if (reading.unitPower === undefined || context.windows !== undefined) return [];
  const buckets = withFindings.filter(({ over }) => over.drops.length > 0).map(({ bucket }) => bucket);
  const firstUs = startOf(table);
  if (!FACTORS.some((factor) => isPossible(firstUs, factor))) return [];
  const lastUs = table.invokedUs.reduce((last, us) => Math.max(last, us), Number.NEGATIVE_INFINITY);
  const many = buckets.filter((bucket) => {
    const { capacityTokens, quantaPerUs, quantaPerToken } = table.policyOf(bucket);
    const allowed = capacityTokens + ((lastUs - firstUs) * quantaPerUs) / quantaPerToken;
    return admittedBy(table, bucket) > MANY_TIMES * allowed;
  });
  if (2 * many.length <= buckets.length) return [];
  return [
    `the time unit may be wrong (--unit), or there is no limit: ${many.length} of ${buckets.length} buckets with an excess admitted ` +
      `more than ${MANY_TIMES} times what the whole log of ${lengthText(lastUs - firstUs)} allows`,
  ];
}

const MANY_TIMES = 10;

function admittedBy({ starts, kinds, costTokens }: OperationTable, bucket: number): number {
  let tokens = 0;
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
    if (((kinds[row] as number) & KIND.outcome) === KIND.allowed) tokens += costTokens[row] as number;
  return tokens;
}

function keepsPromise(
  table: OperationTable,
  { buckets, context, factor }: { buckets: readonly number[]; context: CheckerContext; factor: number },
): boolean {
  const firstUs = startOf(table);
  const moved = (us: number) => Math.round((us - firstUs) * factor);
  const rows = new BucketRows({
    ...table,
    invokedUs: table.invokedUs.map(moved),
    lastUs: (row) => moved(table.lastUs(row)),
  });
  const { known, windows } = context;
  const knownFromUs = moved(known.knownFromUs);
  const movedContext: CheckerContext = {
    ...context,
    known: {
      ...known,
      knownFromUs,
      judgedFromUs: moved(known.judgedFromUs),
      judgedUntilUs: moved(known.judgedUntilUs),
    },
    ...(windows && { windows: { ...windows, clock: { ...windows.clock, knownFromUs } } }),
  };
  const ofBucket = (bucket: number) => ({
    policy: table.policyOf(bucket),
    context: movedContext,
    resets: [],
  });
  return refutableIfKept(rows, buckets, ofBucket) > 0;
}

/** If all requests share one bucket, or nearly each has its own, another field may be the key. */
function keySentences({ table, reading: { key, otherKeys } }: LogWithFindings): string[] {
  if (otherKeys.length === 0 || table.rows < FEWEST_ROWS) return [];
  const isOne = table.bucketCount === 1;
  if (!isOne && table.bucketCount < OWN_BUCKETS * table.rows) return [];
  const typed = key === undefined ? '--one-bucket' : `--key ${printable(key)}`;
  const others = printable(otherKeys.slice(0, MOST_KEYS).join(', '));
  const whose = isOne ? 'all requests are of one bucket' : 'nearly each request has a bucket of its own';
  return [
    `the key may be wrong: ${whose} (${typed}), and ${others} ${otherKeys.length === 1 ? 'looks like a key' : 'look like keys'}`,
  ];
}

const FEWEST_ROWS = 20;
const MOST_KEYS = 5;
const OWN_BUCKETS = 0.8;
