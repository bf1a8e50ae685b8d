import { expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { judgeHistory } from '../checker/judge-history.ts';
import { renderTimeline } from './timeline.ts';

it.each([
  { capacity: 3, lines: 4, count: undefined, dots: undefined },
  { capacity: 200, lines: 201, count: undefined, dots: '    ... 190 more ...' },
  { capacity: 12_000, lines: 10_000, count: 12_001, dots: '    ... 11990 more ...' },
])(
  'a proof of capacity $capacity has $lines lines, and says how many prove it',
  ({ capacity, lines, count, dots }) => {
    const parts = Array.from({ length: capacity + 1 }, (_, at) => ({ invokedUs: at }));
    const report = judgeHistory(historyOf(parts, { policy: `${capacity}:1/d` }));
    const { worst } = report.overAdmission;
    expect(worst?.witness).toHaveLength(lines);
    expect(worst?.witnessCount).toBe(count);
    expect(worst?.witness.at(-1)?.operation.index).toBe(capacity);
    const text = worst === undefined ? [] : renderTimeline(worst);
    expect(text.length).toBeLessThan(16);
    expect(text[1]).toContain(`${capacity + 1} operations prove it`);
    expect(text.find((line) => line.includes('more'))).toBe(dots);
  },
);

const no = (index: number) => `#${index}`;

it('a reservation in a proof has a line for what came back', () => {
  const settled = { cost: 3, invokedUs: 20, completedUs: 30, outcome: 'allowed' } as const;
  const linesOf = (of: OperationPart) => {
    const parts = [
      { cost: 10, invokedUs: 0, completedUs: 10, ...of },
      { cost: 10, invokedUs: 60, completedUs: 90 },
      { cost: 1, invokedUs: 95, completedUs: 99 },
    ];
    const { worst } = judgeHistory(historyOf(parts, { policy: '10:1/d' })).overAdmission;
    return worst === undefined ? [] : renderTimeline(worst, 90);
  };
  expect(linesOf({ settled }).slice(1)).toEqual([
    '    2 operations prove it; 0 s is 0 us',
    `    ${no(0)}        r          allowed  10     0.000000    0.000010  |===                      |`,
    `    ${no(0)}        r          settled  -7     0.000020    0.000030  |     ----                |`,
    `    ${no(1)}        r          allowed  10     0.000060    0.000090  |                =========|`,
  ]);
  expect(linesOf({ settled })[0]).toContain('+ 7 given back = 17');
  const second = (of: OperationPart) =>
    linesOf(of)
      .filter((line) => line.includes(no(0)))[1]
      ?.slice(25, 61);
  expect(second({ settled: { ...settled, outcome: 'failed' } })).toBe('failed    0     0.000020    0.000030');
  expect(second({ expiresUs: 50 })).toBe('maybe   -10     0.000050        open');
  expect(linesOf({ settled, expiresUs: 50 }).filter((line) => line.includes(no(0)))).toHaveLength(2);
});
