import { describe, expect, it } from 'vitest';
import { sampleBoard } from '../../../../test/support/scoreboard.ts';
import { parseScoreboard } from '../../scoreboard/parse-scoreboard.ts';
import type { CellFigures, ScoreboardCell } from '../../scoreboard/scoreboard.ts';
import { cellSentence, figureRows, worstText } from './figures.ts';
import { renderScoreboardHtml } from './scoreboard-page.ts';

const ASSETS = { script: 'S', style: 'C', scriptHash: 'sha256-s', styleHash: 'sha256-c' };

describe('the page of a scoreboard', () => {
  const board = sampleBoard(5);
  const html = renderScoreboardHtml(board, ASSETS);

  it('is drawn here from a board like a kept one', () => {
    expect(parseScoreboard(JSON.stringify(board), 'sample')).toEqual(board);
  });

  it('allows its own script and style only', () => {
    expect(html).toContain(
      `content="default-src 'none'; script-src 'sha256-s'; style-src 'sha256-c'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"`,
    );
  });

  it('has each cell twice: in the table, and with all that is known of it', () => {
    for (const { limiter, scenario, command } of board.cells) {
      expect(html.split(`href="#cell=${limiter}/${scenario}"`)).toHaveLength(2);
      expect(html.split(`id="cell=${limiter}/${scenario}"`)).toHaveLength(2);
      expect(html).toContain(command);
    }
  });

  it('links to pages, and to nothing else', () => {
    const [first] = board.limiters;
    if (first === undefined) throw new Error('there is one');
    const documentation = ['https://a.example/x', 'javascript:alert(1)'];
    const linked = renderScoreboardHtml({ ...board, limiters: [{ ...first, documentation }] }, ASSETS);
    expect(linked.match(/href="[^#][^"]*"/g)).toEqual(['href="https://a.example/x"']);
    expect(linked).toContain('<span>javascript:alert(1)</span>');
  });

  it('needs no run, and no cell of a pair', () => {
    const empty = renderScoreboardHtml({ ...board, cells: [] }, ASSETS);
    expect(empty).toContain('<dt>measured<dd>never');
  });
});

describe('what a cell says', () => {
  const excess = { of: 'total', tokens: 12.49, declared: null } as const;
  const figures: CellFigures = {
    ...{
      excess,
      falseDenials: { total: 1, judged: 2_000 },
      decided: 0.9996,
      dishonest: { total: 0, judged: 0 },
    },
    ...{ p50Us: null, p99Us: 12_345, requests: 12_345 },
  };
  const cellOf = (part: Partial<ScoreboardCell>): ScoreboardCell => ({
    ...{ limiter: 'a', scenario: 'b', status: 'broken', reason: '', figures, witness: null, command: '' },
    ...{ seed: 1, startedAt: '', system: '', history: null },
    ...part,
  });
  const windows = {
    ...figures,
    falseDenials: null,
    excess: { of: 'windows', tokens: 1, declared: null, windows: 3 },
  } as const;
  const none = { ...figures, falseDenials: null, excess: { ...excess, tokens: 0 } };
  const declared = { ...figures, excess: { ...excess, declared: 20 } };

  it.each<{ cell: Partial<ScoreboardCell>; isOurs?: boolean; says: string }>([
    {
      cell: {},
      says: 'The worst user was admitted 12.5 tokens more than the promise allows. It denied 1 request that the limit had room for. The promise is for this scenario.',
    },
    {
      cell: { status: 'exceeded', figures: windows },
      says: 'The worst window had 1 request more than the limit. Such windows ended with 3 requests. The limiter promises nothing for this scenario, so this is measured and not held against it.',
    },
    {
      cell: { figures: none },
      says: 'The run has a proof against its promise. The promise is for this scenario.',
    },
    {
      cell: { figures: none },
      isOurs: true,
      says: 'The run has a proof against its promise. That is more than the strategy declares.',
    },
    {
      cell: { figures: { ...none, falseDenials: { total: 2_445, judged: 3_000 } } },
      says: 'It denied 2,445 requests that the limit had room for. The promise is for this scenario.',
    },
    {
      cell: { status: 'kept', figures: none },
      says: 'The run found nothing against its promise.',
    },
    {
      cell: { status: 'kept', figures: { ...none, falseDenials: { total: 3, judged: 9 } } },
      isOurs: true,
      says: 'It admitted no more than an ideal limiter. It denied 3 requests that the limit had room for. Its bound is not about denials.',
    },
    {
      cell: { status: 'kept', figures: { ...declared, falseDenials: null } },
      isOurs: true,
      says: 'It admitted 12.5 tokens more than an ideal limiter, within the 20 that it declares.',
    },
    {
      cell: { status: 'unknown', reason: 'no user was busy' },
      says: 'Too little evidence: no user was busy.',
    },
    { cell: { status: 'not-run', reason: 'It has no replica.' }, says: 'Not run: It has no replica.' },
  ])('$says', ({ cell, isOurs = false, says }) => {
    expect(cellSentence(cellOf(cell), isOurs)).toBe(says);
  });

  it('has a short excess for the table, or the false denials where there is none', () => {
    const texts = [0.1349, 3, 12.49, 1_204.4].map((tokens) =>
      worstText({ ...figures, excess: { ...excess, tokens } }),
    );
    expect(texts).toEqual(['+0.135', '+3', '+12.5', '+1,204']);
    expect(worstText(declared)).toBe('+12.5 of 20');
    expect(worstText(none)).toBe('0');
    expect(worstText({ ...none, excess: { ...none.excess, declared: 0 } })).toBe('0');
    expect(worstText({ ...none, falseDenials: { total: 1, judged: 2 } })).toBe('1 denial');
  });

  it('has figures with units, and no sample where there is none', () => {
    expect(Object.fromEntries(figureRows(declared))).toEqual({
      'worst user, above the promise': '12.5 tokens',
      'declared excess': '20 tokens',
      'false denials': '1 of 2,000 judged denials',
      availability: '99.96%',
      'dishonest headers': 'none stated',
      'p50, slowest region': 'no sample',
      'p99, slowest region': '12.3 ms',
      requests: '12,345',
    });
    const lost = { ...figures, undecided: { LIMITER_FAILED: 1_871, LOAD_ENDED: 3 }, dropped: 1 };
    expect(Object.fromEntries(figureRows(lost))).toMatchObject({
      'without a decision': '1,871 LIMITER_FAILED, 3 LOAD_ENDED',
      'not sent': '1 request: all connections of the region were busy',
    });
    expect(Object.fromEntries(figureRows({ ...figures, undecided: {} }))).toMatchObject({
      'without a decision': 'none',
    });
    expect(Object.fromEntries(figureRows(windows))).toMatchObject({
      'worst window, above the limit': '1 request',
      'requests that end such a window': '3',
      'false denials': 'none is promised',
    });
  });
});
