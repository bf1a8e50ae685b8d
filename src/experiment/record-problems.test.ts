import { expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { checkHistory } from '../checker/check.ts';
import type { HistoryRecord } from '../history/records/operation.ts';
import { recordProblems } from './record-problems.ts';

/** The problems that the report of a run and that of its history have. */
function reported(problems: readonly string[]) {
  const records: HistoryRecord[] = [];
  recordProblems(problems, { nowUs: () => 5 }, { add: (record) => void records.push(record) });
  const history = historyOf([{ outcome: 'allowed', invokedUs: 0, completedUs: 1 }], { records });
  const by = { busiest: [], contestedAtLeast: 1, infoAtMost: 0.05 };
  return {
    ofRun: checkHistory(history, { ...by, problems }).troubles,
    ofHistory: checkHistory(history, by).troubles,
  };
}

it.each([
  { title: 'that is longer than a history has it', problem: 'x'.repeat(501) },
  { title: 'with characters that are escaped', problem: 'two\nlines \u001b[31m' },
  { title: 'that is both', problem: `\n${'x'.repeat(600)}` },
])('a problem $title is reported once', ({ problem }) => {
  const { ofRun, ofHistory } = reported([problem]);
  expect(ofRun).toEqual([problem]);
  expect(ofHistory).toHaveLength(1);
  expect(ofHistory[0]?.length).toBeLessThanOrEqual(510);
});

it('each of very many problems is reported once, and a history names the first of them', () => {
  const problems = Array.from({ length: 25 }, (_, nth) => `problem ${nth}`);
  const { ofRun, ofHistory } = reported(problems);
  expect(ofRun).toEqual(problems);
  expect(ofHistory).toEqual([...problems.slice(0, 20), '5 more problems are recorded']);
});
