import { describe, expect, it } from 'vitest';
import type { Header } from '../records/operation.ts';
import { joinHeaders } from './join-headers.ts';

const run: Header = {
  type: 'header',
  format: 'openclaw-history',
  version: 1,
  policy: { capacity: 20, refill: { tokens: 5, perUs: 1_000_000 } },
  strategy: 'plugin:mine.mjs',
  promise: 'fixed-window:20/4s',
  scenario: 'bench',
  seed: 3,
  regions: ['us-east'],
  startedAt: '2026-11-29T05:00:00.000Z',
  initial: 'full',
};
/** What a file of another program has. */
const bare: Header = { ...run, strategy: '', scenario: '', seed: 0, startedAt: '' };
delete (bare as { promise?: string }).promise;

describe('files of one run', () => {
  it('are joined if they say the same', () => {
    expect(joinHeaders(run, { ...run, regions: ['eu-west'] })).toEqual(run);
  });

  it.each([
    { title: 'the first', files: [bare, run] },
    { title: 'the second', files: [run, bare] },
  ] as const)('are joined if $title does not say which run it is of', ({ files: [first, other] }) => {
    expect(joinHeaders(first, other)).toEqual(run);
  });

  it('need not agree on their starting levels, and then those are unknown', () => {
    expect(joinHeaders(run, { ...run, initial: 'unknown' }).initial).toBe('unknown');
  });
});

describe('files of different runs are refused', () => {
  it.each([
    { change: { strategy: 'lease' }, says: 'its strategy is "lease", not "plugin:mine.mjs"' },
    { change: { promise: 'token-bucket' }, says: 'its promise is "token-bucket", not "fixed-window:20/4s"' },
    { change: { scenario: 'chaos-kill' }, says: 'its scenario is "chaos-kill", not "bench"' },
    { change: { seed: 4 }, says: 'its seed is 4, not 3' },
    {
      change: { startedAt: '2026-11-29T06:00:00.000Z' },
      says: 'its startedAt is "2026-11-29T06:00:00.000Z", not "2026-11-29T05:00:00.000Z"',
    },
    { change: { simulated: true }, says: 'it was simulated' },
  ] as const)('$says', ({ change, says }) => {
    expect(() => joinHeaders(run, { ...run, ...change })).toThrow(
      `it is of another run than the first file: ${says}; check them one by one`,
    );
  });

  it('also if both were simulated, and nothing differs: their start is of the seed', () => {
    const simulated = { ...run, simulated: true } as const;
    expect(() => joinHeaders(simulated, simulated)).toThrow('a simulation writes one file');
  });

  it('also if the first was simulated and another says nothing', () => {
    expect(() => joinHeaders({ ...run, simulated: true }, bare)).toThrow('first file: it was not simulated;');
  });

  it('with all that differs', () => {
    expect(() => joinHeaders(run, { ...run, seed: 4, strategy: 'lease' })).toThrow(
      'its strategy is "lease", not "plugin:mine.mjs"; its seed is 4, not 3;',
    );
  });
});
