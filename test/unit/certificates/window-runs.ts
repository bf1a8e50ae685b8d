import { certificateRecords } from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import { parsePromise } from '../../../src/core/promise.ts';
import type { ClockReading, HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, historyOf, type OperationPart, operationOf } from '../../support/history.ts';
import { EPOCH_US } from '../planted/limiter.ts';
import { verify } from './verified.ts';

/** A limiter of windows, as a run asks it: whether it admits a cost at a moment of its clock. */
export type WindowLimiter = (nowUs: number, cost: number) => boolean;

export interface WindowRun {
  readonly seed: number;
  readonly count: number;
  /** The most that an operation costs. */
  readonly mostCost?: number;
  /** How wide intervals are, in microseconds. */
  readonly widthUs: number;
  readonly buckets?: number;
}

/** A history of one limiter for each bucket, whose clock was read. */
export function runWindows(make: () => WindowLimiter, run: WindowRun): readonly HistoryRecord[] {
  const { seed, count, widthUs, mostCost = 1, buckets = 10 } = run;
  const random = makeRandom(seed, 'windows');
  const limiters = Array.from({ length: buckets }, make);
  const parts: (OperationPart & { invokedUs: number })[] = [];
  let atUs = 10_000_000;
  let pace = 1;
  for (let number = 0; number < count; number++) {
    if (random() < 0.03) pace = random() < 0.5 ? 0.2 : 2;
    atUs += Math.floor((pace * random() * 900_000) / buckets);
    const bucket = Math.floor(random() * buckets);
    const cost = 1 + Math.floor(random() * mostCost);
    const isAllowed = limiters[bucket]?.(EPOCH_US + atUs, cost) === true;
    const isLost = random() < (seed % 3) * 0.01;
    parts.push({
      ...{ bucket: `b${bucket}`, cost },
      invokedUs: atUs - Math.floor(random() * random() * widthUs),
      completedUs: isLost ? null : atUs + Math.floor(random() * random() * widthUs),
      outcome: isLost ? 'info' : isAllowed ? 'allowed' : 'denied',
    });
  }
  return [
    headerOf('20:5/s', { clocks: 'apart' }),
    ...parts.map((part, index) => operationOf(index, part)),
    ...readings(atUs),
    { type: 'end', atUs, sent: count },
  ];
}

function readings(lastUs: number): ClockReading[] {
  return Array.from({ length: 21 }, (_, at) => {
    const atUs = Math.floor((lastUs * at) / 20);
    return { type: 'clock', node: 'n', atUs, serverUs: EPOCH_US + atUs, errorUs: 5 };
  });
}

/** Judges a history by a promise, and verifies its certificate. */
export async function certifyWindows(records: readonly HistoryRecord[], promise: string) {
  const operations = records.filter((record) => record.type === 'op');
  const [header] = records.filter((record) => record.type === 'header');
  const history = historyOf(operations, {
    ...(header && { header }),
    records: records.filter(({ type }) => type !== 'op' && type !== 'header' && type !== 'end'),
  });
  const rules = { busiest: [], contestedAtLeast: 0, infoAtMost: 1, promise: parsePromise(promise) };
  const examination = examineHistory(history, rules);
  const certificate = [...certificateRecords(history.operations, examination)];
  return { ...examination, table: history.operations, certificate, ...(await verify(records, certificate)) };
}
