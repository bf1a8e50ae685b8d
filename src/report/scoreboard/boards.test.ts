import { describe, expect, it } from 'vitest';
import { changesBetween, changesSentence, changesTable } from './changes.ts';
import { notRunCell } from './make-cell.ts';
import { type Measured, mergeBoards, NOT_MEASURED } from './merge-boards.ts';
import type { CellStatus, Scoreboard, ScoreboardCell, ScoreboardLimiter } from './scoreboard.ts';
import { renderScoreboardMarkdown } from './scoreboard-markdown.ts';
import { figureTable, limiterTable, scoreboardNotes, scoreboardTable } from './scoreboard-text.ts';

const SCENARIOS = ['healthy', 'partition'].map((id) => ({ id, title: id, about: `About ${id}.` }));

const row = (id: string, version = '1', isOurs = false): ScoreboardLimiter => ({
  ...{ id, isOurs, promise: 'fixed-window:20/4s', version, name: `${id} for all`, language: 'Go' },
  ...{ setting: '20 in 4 s', documentation: ['https://example.com'], says: 'Nothing.', covers: [] },
  topology: 'cluster',
});

const cell = (limiter: string, scenario: string, status: CellStatus, tokens = 0): ScoreboardCell => ({
  ...{ limiter, scenario, status, reason: status === 'unknown' ? 'too few' : '' },
  figures: {
    excess: { of: 'windows', tokens, declared: null, windows: tokens > 0 ? 2 : 0 },
    ...{ falseDenials: null, decided: 0.5, dishonest: { total: 1, judged: 4 } },
    ...{ p50Us: 1_500, p99Us: null, requests: 99 },
  },
  witness:
    status === 'broken'
      ? { text: `${20 + tokens} > 20`, bucket: 'ratings:u1', operations: [], more: 0 }
      : null,
  ...{ command: `openclaw-rl run scoreboard/${scenario}`, seed: 1, startedAt: '2026-11-29T08:00:00.000Z' },
  ...{ system: 'redis 8', history: { sha256: 'cd'.repeat(32), bytes: 9, operations: 99 } },
});

const measured = (limiters: ScoreboardLimiter[], cells: ScoreboardCell[]): Measured => ({
  ...{
    program: 'openclaw-rl 1',
    command: 'openclaw-rl scoreboard',
    machine: '2 cores',
    scenarios: SCENARIOS,
  },
  ...{ limiters, cells },
});
const statuses = ({ cells }: Scoreboard) =>
  cells.map((one) => `${one.limiter} ${one.scenario} ${one.status}`);

describe('the boards of two commands', () => {
  const first = mergeBoards(undefined, measured([row('b')], [cell('b', 'healthy', 'kept')]));

  it('have a cell for every pair, also before it was run', () => {
    expect(statuses(first)).toEqual(['b healthy kept', 'b partition not-run']);
    expect(first.cells[1]?.reason).toBe(NOT_MEASURED);
  });

  it('keep the rows of others, ours last', () => {
    const ours = row('a-strategy', '1', true);
    const second = mergeBoards(first, measured([ours, row('a')], [cell('a', 'partition', 'exceeded', 3)]));
    expect(second.limiters.map(({ id }) => id)).toEqual(['a', 'b', 'a-strategy']);
    expect(statuses(second).slice(0, 4)).toEqual([
      ...['a healthy not-run', 'a partition exceeded'],
      ...['b healthy kept', 'b partition not-run'],
    ]);
  });

  it('keep earlier cells of the same version, and replace them', () => {
    const more = mergeBoards(first, measured([row('b')], [cell('b', 'partition', 'exceeded', 2)]));
    expect(statuses(more)).toEqual(['b healthy kept', 'b partition exceeded']);
    const again = mergeBoards(more, measured([row('b')], [cell('b', 'healthy', 'unknown')]));
    expect(statuses(again)).toEqual(['b healthy unknown', 'b partition exceeded']);
  });

  it('drop cells of another version, promise or code', () => {
    const now = [cell('b', 'partition', 'kept')];
    expect(statuses(mergeBoards(first, measured([row('b', '2')], now)))[0]).toBe('b healthy not-run');
    for (const more of [{ promise: 'token-bucket' }, { code: 'ef' }])
      expect(statuses(mergeBoards(first, measured([{ ...row('b'), ...more }], now)))[0]).toBe(
        'b healthy not-run',
      );
  });

  it('drop cells of another topology, and judge earlier ones by what is covered now', () => {
    const promised = { ...row('b'), covers: ['partition'] };
    const before = mergeBoards(undefined, measured([promised], [cell('b', 'partition', 'broken', 2)]));
    const now = [cell('b', 'healthy', 'kept')];
    const again = (more: Partial<ScoreboardLimiter>) =>
      statuses(mergeBoards(before, measured([{ ...row('b'), ...more }], now)))[1];
    expect(again({ covers: ['partition'] })).toBe('b partition broken');
    expect(again({ covers: [] })).toBe('b partition exceeded');
    expect(again({ covers: ['partition'], topology: 'single' })).toBe('b partition not-run');
  });

  it('drop cells of a scenario whose load, faults or claims are others', () => {
    const of = (code: string, now: ScoreboardCell[]): Measured => ({
      ...measured([row('b')], now),
      scenarios: SCENARIOS.map((scenario) => ({ ...scenario, code: `${code} of ${scenario.id}` })),
    });
    const before = mergeBoards(first, of('20 users', [cell('b', 'partition', 'kept')]));
    const statusesOf = (code: string, ...limiters: ScoreboardLimiter[]) =>
      statuses(mergeBoards(before, { ...of(code, []), limiters }));
    expect(statusesOf('20 users')).toEqual(['b healthy kept', 'b partition kept']);
    const gone = ['b healthy not-run', 'b partition not-run'];
    expect(statusesOf('40 users')).toEqual(gone);
    expect(statusesOf('40 users', row('b'))).toEqual(gone);
  });
});

const board = (version: string, ...cells: ScoreboardCell[]) =>
  mergeBoards(undefined, measured([row('a', version), row('b')], cells));

describe('what changed between two boards', () => {
  const before = board(
    '1',
    cell('a', 'healthy', 'broken', 2),
    cell('b', 'healthy', 'kept'),
    cell('b', 'partition', 'kept'),
  );
  const after = board(
    '2',
    cell('a', 'healthy', 'kept'),
    cell('b', 'healthy', 'kept'),
    cell('b', 'partition', 'unknown'),
  );
  const changes = changesBetween(before, after);

  it('is the cells whose status is another, with the versions', () => {
    expect(changes.changed).toEqual([
      { limiter: 'a', scenario: 'healthy', before: 'broken', after: 'kept', versions: ['1', '2'] },
    ]);
    expect(changesTable(changes.changed).rows).toEqual([['a', 'healthy', 'broken', 'kept', '1 -> 2']]);
  });

  it('names cells that one board lacks, and those of a limiter that is not in it', () => {
    const other = mergeBoards(undefined, measured([row('b')], [cell('b', 'healthy', 'kept')]));
    const of = changesBetween(before, other);
    expect([of.compared, of.changed]).toEqual([1, []]);
    expect(of.onlyOne).toEqual([
      { limiter: 'b', scenario: 'partition', before: 'kept', after: 'not-run' },
      { limiter: 'a', scenario: 'healthy', before: 'broken', after: 'not-run', versions: ['1', 'none'] },
    ]);
    expect(changesBetween(other, before).onlyOne).toHaveLength(2);
  });

  it('does not count cells that have a verdict in one board only', () => {
    expect(changes.onlyOne.map(({ limiter, scenario }) => `${limiter} ${scenario}`)).toEqual(['b partition']);
    expect(changesSentence(changes)).toBe(
      '1 of 2 cells changed their status; 1 more have a verdict in one board only',
    );
  });

  it('is nothing between a board and itself', () => {
    expect(changesSentence(changesBetween(before, before))).toBe('0 of 3 cells changed their status');
  });
});

describe('a board as text', () => {
  const shown: Scoreboard = {
    ...board('1', cell('a', 'healthy', 'broken', 2), cell('a', 'partition', 'unknown')),
    limiters: [{ ...row('a'), shim: 'Its client.' }, row('b')],
  };

  it('has status and excess for each scenario', () => {
    expect(scoreboardTable(shown)).toEqual({
      head: ['limiter', 'healthy', 'partition'],
      rows: [
        ['a', 'broken +2', 'unknown'],
        ['b', '-', '-'],
      ],
    });
  });

  it('counts denials where they alone are wrong', () => {
    const one = cell('a', 'healthy', 'broken');
    const figures = {
      ...(one.figures as NonNullable<typeof one.figures>),
      falseDenials: { total: 3, judged: 9 },
    };
    expect(scoreboardTable({ ...shown, cells: [{ ...one, figures }] }).rows[0]?.[1]).toBe(
      'broken, 3 denials',
    );
  });

  it('gives a reason once for the scenarios of a limiter', () => {
    expect(scoreboardNotes(shown)).toEqual([
      'a, partition: unknown: too few',
      `b, healthy, partition: not-run: ${NOT_MEASURED}`,
    ]);
  });

  it('says what a limiter promises and what its audit replaces', () => {
    const [a] = limiterTable(shown).rows;
    expect(a?.at(-1)).toBe('Nothing. Replaced by the audit: Its client.');
    expect(a).toContain('healthy');
  });

  it('has the figures of each cell that was run', () => {
    const { rows } = figureTable({ cells: [...shown.cells, notRunCell('c', 'healthy', 'no')] });
    expect(rows).toHaveLength(2);
    expect(rows[1]?.[3]).toBe('0 requests');
    expect(rows[0]).toEqual([
      ...[
        'a',
        'healthy',
        'broken',
        '2 requests in the worst window; 2 end one above the limit',
        'not promised',
        '50.0%',
        '1 of 4',
      ],
      ...['1.5', '', '99', '1', 'cdcdcdcdcdcd'],
    ]);
  });

  it('is one page of Markdown, with each proof and its command', () => {
    const text = renderScoreboardMarkdown(shown);
    expect(text).toContain('| a | broken +2 | unknown |');
    expect(text).toContain('ratings:u1: 22 &gt; 20. Again: `openclaw-rl run scoreboard/healthy`');
    expect(text).toContain('What a cell does not mean');
  });

  it('says that there is no proof', () => {
    const cells = shown.cells.map((cell) => ({ ...cell, witness: null }));
    expect(renderScoreboardMarkdown({ ...shown, cells })).toMatch(/## Proofs\n\nNone\.\n$/);
  });

  it('links what was read, unless the URL could end its link or its cell', () => {
    const documentation = ['https://example.com/a_b?c=1#d', 'https://example.com/|>'];
    const text = renderScoreboardMarkdown({ ...shown, limiters: [{ ...row('a'), documentation }] });
    expect(text).toContain(' <https://example.com/a_b?c=1#d> https:&#47;/example.com/\\|&gt; |');
  });
});
