import { expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { parseScenario } from '../scenario/parse.ts';
import { judgeRun } from './judge-run.ts';
import type { PluginLogs } from './plugin-logs.ts';

const WHERE = 'the errors of the plug-in are in logs/rating-*.log in the folder of the run';
const plan = parseScenario(`# why\n${JSON.stringify({ limiter: 'mine.mjs', claims: ['windows <= 0'] })}`, {
  file: 'x.yaml',
});

function notesOf(parts: Parameters<typeof historyOf>[0], pluginLogs?: PluginLogs, of = plan) {
  const by = { plan: of, busiest: [], problems: [], ...(pluginLogs && { pluginLogs }) };
  const { notes = [] } = judgeRun(by, historyOf(parts)).report;
  return notes.filter((note) => /LIMITER|REPLY|plug-in/.test(note));
}

it.each([
  { outcome: 'info', error: 'LIMITER_FAILED', says: [`LIMITER_FAILED; ${WHERE}`] },
  { outcome: 'failed', error: 'LIMITER_REFUSED', says: [`LIMITER_REFUSED; ${WHERE}`] },
  { outcome: 'info', error: 'REPLY_UNEXPECTED', says: [`REPLY_UNEXPECTED; ${WHERE}`] },
  { outcome: 'info', error: 'REPLY_LOST', says: [] },
] as const)('a run says of $error where the errors of a plug-in are', ({ outcome, error, says }) => {
  expect(notesOf([{ outcome, error }])).toEqual(says);
});

it('a run says why its plug-in failed, by code, and what it never answered', () => {
  const errors = { LIMITER_FAILED: 'plugin:mine.mjs: no luck', REDIS_TIMEOUT: 'a-0 is slow' };
  const failed = { outcome: 'info', error: 'LIMITER_FAILED' } as const;
  const lost = { outcome: 'info', error: 'LOAD_ENDED' } as const;
  expect(notesOf([failed, lost], { errors, unanswered: 1, outside: [] })).toEqual([
    `LIMITER_FAILED: plugin:mine.mjs: no luck; ${WHERE}`,
    'the plug-in never answered 1 take: each was open for more than 2 s when its service last looked',
  ]);
  expect(notesOf([{}], { errors, unanswered: 0, outside: [] })).toEqual([]);
});

it('a run of a strategy has no such notes', () => {
  const strategy = parseScenario('# why\nclaims: [total-excess <= 0]\n', { file: 'x.yaml' });
  expect(notesOf([{ outcome: 'info', error: 'REPLY_UNEXPECTED' }], undefined, strategy)).toEqual([]);
});
