import { describe, expect, it } from 'vitest';
import { type HuntDocument, type HuntedCase, huntStatus, type RealCase } from './hunt-document.ts';
import { huntNotes, huntSentence, huntTable, outcomeText, renderHuntMarkdown } from './hunt-text.ts';
import type { Outcome } from './outcome.ts';

const outcome = (own: Partial<Outcome>): Outcome => ({
  ...{ excess: 0, bound: 0, lacking: 1.5, verdict: 'pass', requests: 100, lostPerSecond: 2 },
  ...own,
});
const caseOf = (own: Partial<HuntedCase> = {}): HuntedCase => ({
  ...{ scenario: 'worst-1.yaml', faults: ['partition', 'kill'], users: 2, isFound: false },
  ...{ outcome: outcome({}), ...own },
});
const FOUND = caseOf({ isFound: true, outcome: outcome({ excess: 3, verdict: 'fail', lacking: 0 }) });
const BEFORE = { faults: 3, users: 4, requests: 400, excess: 3 };
const real = (status: RealCase['status']): RealCase => ({ status, reason: 'seen', runs: [] });
const documentOf = (own: Partial<HuntDocument>): HuntDocument => ({
  ...{ format: 'openclaw-hunt', version: 1, program: 'openclaw-rl 0', command: 'openclaw-rl hunt' },
  ...{ strategy: 'lease', policy: '20:5/s', seed: 7, for: 'excess', searched: 'simulated' },
  ...{ schedules: 48, restarts: 1, elapsedMs: 1_000, worst: [caseOf()], failed: [], ...own },
});
const FAILED = [{ scenario: 'failed-1.yaml', reason: 'its thread ended with code 7' }];

describe('a hunt', () => {
  it.each([
    { title: 'nothing was found', own: {}, status: 'nothing' },
    { title: 'nothing was found, and a run failed', own: { failed: FAILED }, status: 'incomplete' },
    { title: 'a finding was not run', own: { worst: [FOUND] }, status: 'not confirmed' },
    {
      title: 'a finding was run in vain',
      own: { worst: [{ ...FOUND, real: real('not confirmed') }] },
      status: 'not confirmed',
    },
    {
      title: 'the second finding was confirmed',
      own: { worst: [FOUND, { ...FOUND, real: real('confirmed') }], failed: FAILED },
      status: 'found',
    },
    { title: 'the search was real', own: { searched: 'real', worst: [FOUND] }, status: 'found' },
  ] as const)('is $status where $title', ({ own, status }) => {
    expect(huntStatus(documentOf(own))).toBe(status);
  });

  it('is a table with a row for each kept schedule', () => {
    const { head, rows } = huntTable(documentOf({ worst: [{ ...FOUND, real: real('confirmed') }] }));
    expect(rows[0]?.map((cell, at) => `${head[at]}: ${cell}`)).toEqual([
      'scenario: worst-1.yaml',
      'faults: partition, kill',
      'users: 2',
      'requests: 100',
      'excess: 3',
      'allowed: 0',
      'simulated: above',
      'real: confirmed',
    ]);
  });

  it('on real clusters has one verdict, and for availability what was lost', () => {
    const { head, rows } = huntTable(documentOf({ searched: 'real', for: 'availability' }));
    expect(head.slice(-4)).toEqual(['lost a second', 'excess', 'allowed', 'real']);
    expect(rows[0]?.slice(-4)).toEqual(['2.0', '0', '0', 'within']);
  });

  it.each([
    { title: 'nothing was', from: undefined, says: [] },
    {
      title: 'only times or numbers were',
      from: { faults: 2, users: 2, requests: 100, excess: 3 },
      says: [],
    },
    {
      title: 'one fault was',
      from: { faults: 3, users: 2, requests: 100, excess: 3 },
      says: ['worst-1.yaml: shrunk from 3 faults'],
    },
    {
      title: 'the excess was, too',
      from: { faults: 3, users: 3, requests: 400, excess: 15 },
      says: ['worst-1.yaml: shrunk from 3 faults, 3 users, 400 requests with an excess of 15'],
    },
  ])('V15: names what was left out by shrinking where $title', ({ from, says }) => {
    const shrunk = { ...FOUND, ...(from && { shrunkFrom: from }) };
    expect(huntNotes(documentOf({ worst: [shrunk] }))).toEqual(says);
  });

  it('says what it came to, what was left out, what real runs saw and what failed', () => {
    const document = documentOf({
      worst: [{ ...FOUND, shrunkFrom: BEFORE, real: real('not confirmed') }],
      failed: FAILED,
    });
    expect(huntSentence(document)).toMatch(
      /^lease, seed 7: 48 simulated schedules: more .* not confirmed on a real cluster$/,
    );
    expect(huntNotes(document)).toEqual([
      'worst-1.yaml: shrunk from 3 faults, 4 users, 400 requests',
      'worst-1.yaml: not confirmed: seen',
      'failed-1.yaml: no outcome: its thread ended with code 7',
    ]);
    expect(renderHuntMarkdown(document)).toContain('| worst-1.yaml | partition, kill | 2 | 100 | 3 | 0 |');
  });
});

it.each([
  { own: { excess: 3, verdict: 'fail' }, text: 'excess 3 of 0 allowed: above' },
  { own: { excess: 3, bound: 20 }, text: 'excess 3 of 20 allowed' },
  { own: {}, text: 'excess 0 of 0 allowed, 1.500 below an excess' },
  { own: { bound: null }, text: 'excess 0, no bound declared' },
] as const)('an outcome is $text', ({ own, text }) => {
  expect(outcomeText(outcome(own))).toBe(text);
});
