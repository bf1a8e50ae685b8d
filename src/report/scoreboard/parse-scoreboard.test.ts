import { describe, expect, it } from 'vitest';
import { parseScoreboard } from './parse-scoreboard.ts';
import type { Scoreboard } from './scoreboard.ts';

const BOARD: Scoreboard = {
  ...{ format: 'openclaw-scoreboard', version: 1, program: 'openclaw-rl 0.1.0' },
  ...{ command: 'openclaw-rl scoreboard', machine: 'Node 20.20.2, 2 cores, linux' },
  scenarios: [{ id: 'healthy', title: 'healthy', about: 'Nothing is broken.' }],
  limiters: [
    {
      ...{ id: 'mine', isOurs: false, promise: 'token-bucket', version: 'mine 1', name: 'mine' },
      ...{ language: 'Go', setting: '20:5/s', documentation: [], says: 'Nothing.', covers: [] },
      ...{ topology: 'single', shim: 'The file answers its REST calls.' },
    },
  ],
  cells: [
    {
      ...{ limiter: 'mine', scenario: 'healthy', status: 'broken', reason: '' },
      figures: {
        excess: { of: 'windows', tokens: 3, declared: null, windows: 2 },
        ...{ falseDenials: null, decided: 1, dishonest: { total: 0, judged: 9 } },
        ...{ p50Us: 400, p99Us: 900, requests: 10_000 },
      },
      witness: {
        ...{ text: '23 > 20', bucket: 'ratings:u1', more: 22 },
        operations: [{ operation: 7, region: 'eu-west', outcome: 'allowed', fromS: 1, toS: null }],
      },
      command: 'openclaw-rl run scenarios/scoreboard/healthy.yaml --limiter mine.yaml',
      ...{ seed: 1, startedAt: '2026-11-29T08:00:00.000Z', system: 'redis 8.0.2, local processes' },
      history: { sha256: '0'.repeat(64), bytes: 1_000, operations: 10_000 },
    },
  ],
};

describe('the file of a scoreboard', () => {
  it('is read as it was written', () => {
    expect(parseScoreboard(JSON.stringify(BOARD), 'board.json')).toEqual(BOARD);
  });

  it.each([
    { title: 'no JSON', text: '{', says: 'board.json is no scoreboard: it is not JSON' },
    { title: 'another document', text: '{"format":"openclaw-report"}', says: 'is no scoreboard: format' },
    {
      title: 'a later version',
      text: JSON.stringify({ ...BOARD, version: 2 }),
      says: 'no scoreboard: version',
    },
    {
      title: 'an unknown status',
      text: JSON.stringify({ ...BOARD, cells: [{ ...BOARD.cells[0], status: 'fine' }] }),
      says: 'is no scoreboard: cells.0.status',
    },
  ])('is refused: $title', ({ text, says }) => {
    expect(() => parseScoreboard(text, 'board.json')).toThrow(says);
  });
});
