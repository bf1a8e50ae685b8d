import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeCorrect } from './soak/batch.ts';
import { loadProgram } from './soak/judge.ts';
import { emptyTally, type Tally } from './soak/tally.ts';

const ROOT = join(import.meta.dirname, '../..');
const HISTORIES = 20_000;
const BATCH = 2_000;
const BATCHES = Array.from({ length: HISTORIES / BATCH }, (_, at) => 1 + at * BATCH);

/** The least number of histories that have each: what is not in them is not tried. */
const LEAST: Readonly<Record<string, number>> = {
  'our own format': 10_000,
  'a log of others': 5_000,
  'limiter: bucket': 5_000,
  'limiter: sliding': 1_500,
  'limiter: epoch': 1_500,
  'limiter: first': 1_500,
  'limiter: timer': 1_500,
  'promise: fixed-window:epoch': 1_000,
  'promise: fixed-window:first': 1_000,
  'promise: fixed-window': 2_000,
  'clock: one': 5_000,
  'clock: apart': 2_000,
  'clock: read': 2_000,
  'clock: told': 2_000,
  'a clock in milliseconds': 2_000,
  drift: 4_000,
  'a step ahead': 100,
  'a step back': 600,
  failovers: 700,
  costs: 5_000,
  'a cost of 0': 1_000,
  refunds: 1_000,
  resets: 300,
  'several policies': 1_000,
  'several charges': 500,
  'decision ids': 1_000,
  'repeated answers': 200,
  maxCharge: 500,
  info: 1_500,
  failed: 700,
  levels: 1_500,
  'fallback allowed': 200,
  'fallback denied': 200,
  'fallback charged late': 200,
  'begins in mid-traffic': 5_000,
  'ends in mid-traffic': 5_000,
  'stopped with requests in flight': 1_500,
  'cut between lines': 1_000,
  'cut in a line': 1_500,
  'shuffled lines': 1_500,
  'two files': 1_500,
  'a rotated log': 700,
  'latency: heavy-tailed': 3_000,
  'csv in us': 700,
  'csv in ms': 700,
  'csv in s': 300,
  'access-log in us': 700,
  'access-log in ms': 700,
  'access-log in s': 300,
  'statuses of proxies': 500,
  'charged after the reply of a proxy': 200,
  'clock slack': 300,
};

describe('random histories of correct limiters', () => {
  const sum = emptyTally();

  it.each(BATCHES)(
    'are accused of nothing and none is refused: 2,000 from seed %i on',
    async (from) => {
      const { tally, wrong } = await judgeCorrect(await loadProgram(ROOT), { from, to: from + BATCH - 1 });
      expect(wrong.map(({ seed, reasons }) => ({ seed, reasons }))).toEqual([]);
      add(tally);
    },
    120_000,
  );

  it('have everything in them that they are about', () => {
    const lacking = Object.entries(LEAST).filter(([feature, least]) => (sum.features[feature] ?? 0) < least);
    expect(lacking.map(([feature]) => ({ feature, histories: sum.features[feature] }))).toEqual([]);
  });

  it('are judged: buckets are drained, denials are looked at, and thousands of histories pass', () => {
    expect(sum.histories).toBe(HISTORIES);
    expect(sum.contested).toBeGreaterThan(HISTORIES / 10);
    expect(sum.denied).toBeGreaterThan(HISTORIES / 10);
    expect(sum.verdicts.pass ?? 0).toBeGreaterThan(HISTORIES / 20);
  });

  function add({ features, verdicts, ...numbers }: Tally): void {
    sum.histories += numbers.histories;
    sum.contested += numbers.contested;
    sum.denied += numbers.denied;
    for (const [counts, more] of [
      [sum.features, features],
      [sum.verdicts, verdicts],
    ] as const)
      for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
  }
});
