import { printable } from '../core/errors.ts';
import type { LogReading } from '../history/log-reading.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketResult, PassRules } from './bucket-result.ts';
import { BucketRows } from './bucket-rows.ts';
import { lengthText } from './interval-width.ts';
import { checkBucket } from './pass.ts';

/** A log that others wrote, what was found against it, and by which rules. */
export interface ConvictedLog {
  readonly table: OperationTable;
  readonly reading: LogReading;
  readonly guilty: readonly BucketResult[];
  readonly rules: PassRules;
}

/** A unit that is one too small or too large, or two. */
const FACTORS = [1e3, 1e6, 1e-3, 1e-6];

/** So many rows are judged again for each factor, at most. */
const MOST_ROWS = 300_000;

/** How the log may have been misread. A unit that makes all of it right leaves no other question. */
export function misreadSentences(log: ConvictedLog): string[] {
  const fitting = fittingUnit(log);
  return fitting.length > 0 ? fitting : [...ofManyTimes(log), ...keySentences(log)];
}

/**
 * Whether another unit of its times makes the log one of a limiter that keeps its promise. Longer times alone acquit any
 * limiter of admitting too much, and shorter ones of denying too much: so it must be acquitted of both, and denials that
 * could be false have to be there.
 */
function fittingUnit({ table, reading, guilty, rules }: ConvictedLog): string[] {
  const { unitPower } = reading;
  if (unitPower === undefined || rules.windows?.clock.offset !== undefined) return [];
  const buckets = [...fewOf(table, guilty), ...innocentOf(table, guilty)];
  const factor = FACTORS.find((each) => keepsPromise(table, { buckets, rules, factor: each }));
  if (factor === undefined) return [];
  const times = factor > 1 ? `${factor} times as long` : `${Math.round(1 / factor)} times as short`;
  const unit = Object.entries(UNITS).find(([, power]) => power === unitPower + Math.log10(factor))?.[0];
  return [
    `the time unit may be wrong: were all times ${times}, what was admitted and denied would be right` +
      `${unit === undefined ? '' : ` (--unit ${unit}, or a name of the field that ends in _${unit})`}`,
  ];
}

/** As powers of ten of a microsecond. */
const UNITS = { ns: -3, us: 0, ms: 3, s: 6 };

/** A log without denials fits any longer times, and so does one of no limiter. */
function ofManyTimes({ table, reading, guilty, rules }: ConvictedLog): string[] {
  if (reading.unitPower === undefined || rules.windows !== undefined) return [];
  const buckets = guilty.filter(({ over }) => over.drops.length > 0).map(({ bucket }) => bucket);
  const firstUs = table.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
  const lastUs = table.invokedUs.reduce((last, us) => Math.max(last, us), Number.NEGATIVE_INFINITY);
  const many = buckets.filter((bucket) => {
    const { capacityTokens, quantaPerUs, quantaPerToken } = table.policyOf(bucket);
    const allowed = capacityTokens + ((lastUs - firstUs) * quantaPerUs) / quantaPerToken;
    return admittedBy(table, bucket) > MANY_TIMES * allowed;
  });
  if (2 * many.length <= buckets.length) return [];
  return [
    `the time unit may be wrong (--unit), or nothing limits: ${many.length} of ${buckets.length} buckets with an excess admitted ` +
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

/** Some buckets with nothing against them: in another unit there would be. */
function innocentOf(table: OperationTable, guilty: readonly BucketResult[]): number[] {
  const accused = new Set(guilty.map(({ bucket }) => bucket));
  const buckets: number[] = [];
  for (let bucket = 0; bucket < table.bucketCount && buckets.length < MOST_INNOCENT; bucket++)
    if (!accused.has(bucket)) buckets.push(bucket);
  return within(table, buckets);
}

const MOST_INNOCENT = 1_000;

function fewOf(table: OperationTable, guilty: readonly BucketResult[]): number[] {
  return within(
    table,
    guilty.map(({ bucket }) => bucket),
  );
}

/** The first of these that have few enough rows together. */
function within({ starts }: OperationTable, buckets: readonly number[]): number[] {
  let rows = 0;
  return buckets.filter((bucket) => {
    const count = (starts[bucket + 1] as number) - (starts[bucket] as number);
    if (rows + count > MOST_ROWS) return false;
    rows += count;
    return true;
  });
}

function keepsPromise(
  table: OperationTable,
  { buckets, rules, factor }: { buckets: readonly number[]; rules: PassRules; factor: number },
): boolean {
  const firstUs = table.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
  const moved = (us: number) => Math.round((us - firstUs) * factor);
  const rows = new BucketRows({
    ...table,
    invokedUs: table.invokedUs.map(moved),
    lastUs: (row) => moved(table.lastUs(row)),
  });
  const { known, windows } = rules;
  const knownFromUs = moved(known.knownFromUs);
  const movedRules: PassRules = {
    ...rules,
    known: {
      ...known,
      knownFromUs,
      judgedFromUs: moved(known.judgedFromUs),
      judgedUntilUs: moved(known.judgedUntilUs),
    },
    ...(windows && { windows: { ...windows, clock: { ...windows.clock, knownFromUs } } }),
  };
  let refutable = 0;
  for (const bucket of buckets) {
    rows.load(bucket);
    const found = checkBucket(rows, { policy: table.policyOf(bucket), rules: movedRules, resets: [] });
    if (found.denials.length + found.windows.length > 0) return false;
    if (windows === undefined && found.over.drops.length > 0) return false;
    refutable += rows.denials - found.excused;
  }
  return refutable > 0;
}

/** All requests in one bucket, or nearly each in its own: the field that names it may be another. */
function keySentences({ table, reading: { key, otherKeys } }: ConvictedLog): string[] {
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
