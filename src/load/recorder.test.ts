import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Operation } from '../history/records/operation.ts';
import type { Reply } from './outcome.ts';
import { type OpenOperation, Recorder } from './recorder.ts';

const request = { bucket: 'ratings:ada', user: 'ada', region: 'r0', process: 3, cost: 1 };
const allowed: Reply = { outcome: 'allowed', status: 201 };
const info: Reply = { outcome: 'info', status: 504, error: 'SERVICE_REPLY_LOST' };

let nowMs: number;
let written: Operation[];
let recorder: Recorder;
beforeEach(() => {
  nowMs = 5_000;
  vi.spyOn(process, 'hrtime').mockImplementation(() => [0, nowMs * 1_000_000]);
  written = [];
  recorder = new Recorder((operation) => written.push(operation));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Opens an operation and moves the clock on. */
function invoke(durationMs = 1, region = 'r0'): OpenOperation {
  const open = recorder.invoke({ ...request, region });
  nowMs += durationMs;
  return open;
}

describe('the recorder writes', () => {
  const ended = { type: 'op', index: 0, ...request, invokedUs: 0 } as const;
  const decision = { strategy: 'central', node: 'n', source: 'redis', levelQuanta: 7 } as const;

  it.each<[string, (open: OpenOperation) => void, Operation]>([
    [
      'a reply with all that it said',
      (open) => recorder.complete(open, { ...allowed, decision }),
      { ...ended, outcome: 'allowed', status: 201, decision, completedUs: 1_000 },
    ],
    [
      'a reply that settles nothing as open for ever',
      (open) => recorder.complete(open, info),
      { ...ended, outcome: 'info', status: 504, error: 'SERVICE_REPLY_LOST', completedUs: null },
    ],
    [
      'a lost reply as open for ever',
      (open) => recorder.lose(open, 'CONNECTION_LOST'),
      { ...ended, outcome: 'info', error: 'CONNECTION_LOST', completedUs: null },
    ],
    [
      'a request that never left as failed',
      (open) => recorder.fail(open, 'CONNECT_FAILED'),
      { ...ended, outcome: 'failed', error: 'CONNECT_FAILED', completedUs: 1_000 },
    ],
  ])('%s', (_title, end, want) => {
    end(invoke());
    expect(written).toEqual([want]);
  });

  it('an interval that is never narrower than the truth', () => {
    nowMs += 0.0019;
    const open = recorder.invoke(request);
    nowMs += 0.0022;
    recorder.complete(open, allowed);
    expect(written).toMatchObject([{ invokedUs: 1, completedUs: 5 }]); // 1.9 and 4.1 us
    expect(recorder.nowUs()).toBeCloseTo(4.1, 3);
  });

  it('nothing while an operation is open, and each in the order of its end', () => {
    const [first, second] = [invoke(), invoke()];
    expect(written).toEqual([]);
    expect([recorder.sent, recorder.inFlight]).toEqual([2, 2]);
    recorder.complete(second, allowed);
    recorder.lose(first, 'CONNECTION_LOST');
    expect(written.map(({ index }) => index)).toEqual([1, 0]);
    expect([recorder.sent, recorder.inFlight]).toEqual([2, 0]);
  });

  it('what is still open at the end, and only that', () => {
    const [first] = [invoke(), invoke(), invoke()];
    recorder.complete(first, allowed);
    recorder.loseAll('LOAD_ENDED');
    expect(written.map(({ index, error }) => [index, error])).toEqual([
      [0, undefined],
      [1, 'LOAD_ENDED'],
      [2, 'LOAD_ENDED'],
    ]);
    recorder.loseAll('LOAD_ENDED');
    expect(recorder.counts).toEqual({ allowed: 1, denied: 0, failed: 0, info: 2 });
    expect(written).toHaveLength(recorder.sent);
  });
});

describe('a decision of a failure policy', () => {
  const fallback = { strategy: 'central', node: 'none', source: 'fallback' } as const;
  const redis = { ...fallback, source: 'redis' } as const;

  it.each<[string, Reply['outcome'], Reply['decision'], number, number | undefined]>([
    ['an admission whose charge is possible: twice', 'allowed', { ...fallback, charge: 'possible' }, 3, 6],
    ['a denial whose charge is possible: its cost', 'denied', { ...fallback, charge: 'possible' }, 3, 3],
    ['an admission that does not say: twice', 'allowed', fallback, 3, 6],
    ['a denial that does not say: its cost', 'denied', fallback, 3, 3],
    ['an admission without a charge: no more', 'allowed', { ...fallback, charge: 'none' }, 3, undefined],
    ['a denial without a charge: nothing', 'denied', { ...fallback, charge: 'none' }, 3, undefined],
    ['what Redis decided: no more', 'allowed', redis, 3, undefined],
    ['more than a history holds: left to its readers', 'allowed', fallback, 2 ** 30, undefined],
  ])('may be charged, %s', (_title, outcome, decision, cost, maxCharge) => {
    const open = recorder.invoke({ ...request, cost });
    recorder.complete(open, { outcome, status: 201, ...(decision && { decision }) });
    expect(written).toMatchObject([{ outcome, cost, decision }]);
    expect(written[0]?.maxCharge).toBe(maxCharge);
  });
});

describe('an operation that has ended', () => {
  const ends: Record<string, (open: OpenOperation) => void> = {
    completed: (open) => recorder.complete(open, allowed),
    lost: (open) => recorder.lose(open, 'CONNECTION_LOST'),
    failed: (open) => recorder.fail(open, 'CONNECT_FAILED'),
  };
  const pairs = Object.keys(ends).flatMap((first) => Object.keys(ends).map((second) => [first, second]));

  it.each(pairs)('as %s stays so when it is then %s', (first = '', second = '') => {
    const open = invoke();
    ends[first]?.(open);
    const before = structuredClone({ written, counts: recorder.counts });
    ends[second]?.(open);
    expect({ written, counts: recorder.counts }).toEqual(before);
    expect(written).toHaveLength(1);
  });
});

describe('a dropped request', () => {
  it('is counted by region and in slices of a tenth of a second, from when it was due', () => {
    for (const dueUs of [1_000.5, 50_000, 100_999, 101_001]) recorder.drop('r0', dueUs);
    recorder.drop('r1', 60_000);
    expect(recorder.dropped).toEqual([
      { region: 'r0', atUs: 1_000, requests: 3 },
      { region: 'r0', atUs: 101_001, requests: 1 },
      { region: 'r1', atUs: 60_000, requests: 1 },
    ]);
  });
});

describe('a request that reserves', () => {
  const settledOf = (end: (open: OpenOperation) => void) => {
    const open = recorder.invoke({ ...request, cost: 10, actual: 3 });
    nowMs++;
    end(open);
    return written.at(-1)?.settled;
  };
  const fallback = { strategy: 'central', node: 'none', source: 'fallback' } as const;

  it.each<{ title: string; reply: Reply; want: unknown }>([
    {
      title: 'was settled while it was answered',
      reply: { ...allowed, settled: 'allowed' },
      want: { cost: 3, invokedUs: 0, completedUs: 1_000, outcome: 'allowed' },
    },
    {
      title: 'gave nothing back if its settlement failed',
      reply: { ...allowed, settled: 'failed' },
      want: { cost: 3, invokedUs: 0, completedUs: 1_000, outcome: 'failed' },
    },
    {
      title: 'may have given back if its settlement has no reply',
      reply: { ...allowed, settled: 'info' },
      want: { cost: 3, invokedUs: 0, completedUs: null, outcome: 'info' },
    },
    {
      title: 'has no settlement if it was denied',
      reply: { ...allowed, outcome: 'denied' },
      want: undefined,
    },
    {
      title: 'has none if a failure policy allowed it',
      reply: { ...allowed, settled: 'allowed', decision: fallback },
      want: undefined,
    },
  ])('$title', ({ reply, want }) => {
    expect(settledOf((open) => recorder.complete(open, reply))).toEqual(want);
    expect(written.at(-1)).not.toHaveProperty('actual');
  });

  it('may have been settled if its reply is lost', () => {
    const want = { cost: 3, invokedUs: 0, completedUs: null, outcome: 'info' };
    expect(settledOf((open) => recorder.lose(open, 'CONNECTION_LOST'))).toEqual(want);
  });
});
