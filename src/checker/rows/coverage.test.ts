import { describe, expect, it } from 'vitest';
import { headerOf, type OperationPart, operationOf } from '../../../test/support/history.ts';
import { HistoryBuilder } from '../../history/columns/builder.ts';
import type { Header } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1, openAtEndAtMost: 0 };
const S = 1_000_000;
const takes: OperationPart[] = [
  { invokedUs: 0, completedUs: 10 },
  { invokedUs: 50 * S, completedUs: 50 * S + 10, outcome: 'denied' }, // false: it was full again
  { invokedUs: 99 * S, completedUs: 99 * S + 10 },
];

/** Files of one run, each with its operations; `ends` says which have a last record. */
function judged(
  files: readonly (readonly OperationPart[])[],
  { initial = 'full', ends = true }: Partial<{ initial: Header['initial']; ends: boolean }> = {},
) {
  const builder = new HistoryBuilder();
  for (const [number, parts] of files.entries()) {
    builder.startFile(`${number}.ndjson`);
    builder.add(headerOf('2:1/s', { initial }));
    for (const [index, part] of parts.entries()) builder.add(operationOf(index, part));
    if (ends) builder.add({ type: 'end', atUs: 100 * S, sent: parts.length });
    builder.endFile();
  }
  const { falseDenials, claims } = checkHistory(builder.build(), RULES);
  return { total: falseDenials.total, judged: falseDenials.judged, reason: claims[1]?.reason };
}

describe('of several files, one of which has no operation that was completed,', () => {
  const open: OperationPart[] = [{ outcome: 'info', invokedUs: 5, latestUs: 6 }];

  it.each([{ others: [] }, { others: open }])(
    'denials are judged where all of them are whole',
    ({ others }) => {
      expect(judged([takes, others])).toMatchObject({ total: 1, judged: 1 });
    },
  );

  it.each([
    { title: 'an empty one was cut short', others: [], options: { ends: false } },
    { title: 'one of open requests was cut short', others: open, options: { ends: false } },
    { title: 'what was before is unknown', others: [], options: { initial: 'unknown' as const } },
  ])('no denial is judged where $title', ({ others, options }) => {
    expect(judged([takes], options)).toMatchObject({ total: 1, judged: 1 });
    expect(judged([takes, others], options)).toEqual({
      total: 0,
      judged: 0,
      reason: expect.stringContaining('a file has no completed operation'),
    });
  });
});

it('files of our own format are not a rotated log: a file that was cut short may have overlapped with the next', () => {
  const east: OperationPart[] = [{ invokedUs: 0, completedUs: 10 }];
  const west = [{ invokedUs: 20, completedUs: 30 }, ...takes.slice(1)];
  expect(judged([east, west], { ends: false })).toMatchObject({ total: 0, judged: 0 });
  expect(judged([east, west])).toMatchObject({ total: 1, judged: 1 });
});

it('attempts of a decision, which may be from before its start, do not say from when a history tells all', () => {
  const attempts: OperationPart[] = [
    { outcome: 'info', invokedUs: 0 },
    { invokedUs: 5, completedUs: 10 },
  ];
  const rest: OperationPart[] = [
    { invokedUs: 20 * S, completedUs: 20 * S },
    { invokedUs: 20.5 * S, completedUs: 20.5 * S, outcome: 'denied' },
  ];
  const sharing = attempts.map((part) => ({ ...part, decisionId: 'd' }));
  expect(judged([[...attempts.slice(1), ...rest]], { initial: 'unknown' }).total).toBe(1);
  expect(judged([[...sharing, ...rest]], { initial: 'unknown' }).total).toBe(0);
});

it('what may be charged after its reply, and so after its start, does not say from when a history tells all', () => {
  const decision = { strategy: 'central', node: 'n', source: 'fallback' } as const;
  const early: OperationPart = { bucket: 'x', invokedUs: 5, completedUs: 10, outcome: 'denied', decision };
  const rest: OperationPart[] = [
    { invokedUs: 20 * S, completedUs: 20 * S },
    { invokedUs: 20.5 * S, completedUs: 20.5 * S, outcome: 'denied' },
    { invokedUs: 40 * S, completedUs: 40 * S, outcome: 'denied' },
  ];
  const uncharged = { ...early, decision: { ...decision, charge: 'none' as const } };
  expect(judged([[uncharged, ...rest]], { initial: 'unknown' }).total).toBe(2);
  expect(judged([[early, ...rest]], { initial: 'unknown' }).total).toBe(1);
  expect(judged([[{ ...early, cost: 0 }, ...rest]], { initial: 'unknown' }).total).toBe(1);
});

it('a run of nothing is unknown', () => {
  expect(judged([[], []])).toMatchObject({ total: 0, judged: 0 });
});
