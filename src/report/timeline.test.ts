import { expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
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
