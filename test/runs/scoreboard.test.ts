import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellOf } from '../../src/report/scoreboard/merge-boards.ts';
import type { Scoreboard, ScoreboardCell } from '../../src/report/scoreboard/scoreboard.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { proved } from '../support/proved.ts';

/** A token bucket in the memory of a process: three regions admit three limits. */
const MEMORY = `
export const about = {
  name: 'in memory',
  language: 'JavaScript',
  version: ['echo', 'memory 1'],
  setting: '20:5/s',
  documentation: [],
  says: 'Nothing.',
  topology: 'none',
};
export function createLimiter() {
  const buckets = new Map();
  return {
    take(user) {
      const now = Date.now();
      const bucket = buckets.get(user) ?? { tokens: 20, at: now };
      buckets.set(user, bucket);
      bucket.tokens = Math.min(20, bucket.tokens + ((now - bucket.at) * 5) / 1_000);
      bucket.at = now;
      if (bucket.tokens < 1) return { allowed: false };
      bucket.tokens--;
      return { allowed: true };
    },
  };
}
`;

const GONE = `command: [./no-such-program]
about:
  name: gone
  language: Go
  version: [echo, gone 1]
  setting: '20:5/s'
  documentation: []
  says: Nothing.
`;

const FOLDER = 'reports/scoreboard';

type Ended = Awaited<ReturnType<typeof runCli>>;

const hasVerdict = ({ code }: Ended) => code !== 2;

const ONE = ['--load-processes', '1'];

describe('scoreboard', { timeout: 300_000 }, () => {
  let cwd: string;
  let board: Scoreboard;
  let first: Ended;

  beforeAll(async () => {
    cwd = testFolder(afterAll);
    writeFileSync(join(cwd, 'memory.mjs'), MEMORY);
    writeFileSync(join(cwd, 'gone.yaml'), GONE);
    const typed = ['scoreboard', './memory.mjs', './gone.yaml', 'central', '--scenario', 'healthy', ...ONE];
    first = await proved(
      () => runCli([...typed, '--again', '--json'], { cwd, onFinished: afterAll }),
      ({ stdout }) => !/"status": "unknown"/.test(stdout),
    );
    board = JSON.parse(first.stdout);
  }, 300_000);

  const cell = (limiter: string, scenario = 'healthy') => {
    const found = cellOf(board.cells, limiter, scenario);
    if (found === undefined) throw new Error(`${limiter} has no cell`);
    return found;
  };
  const runOf = ({ startedAt }: ScoreboardCell) => {
    const runs = join(cwd, FOLDER, 'runs');
    const utc = startedAt.replace(/[-:.]/g, '');
    return join(runs, readdirSync(runs).find((name) => name.startsWith(utc)) ?? '');
  };

  it('measures each, and goes on where one cannot be started, which leaves the board unknown', () => {
    expect(first.code, first.stderr).toBe(2);
    expect(cell('gone')).toMatchObject({ status: 'not-run', history: null, figures: null });
    expect(cell('gone').reason).toMatch(/"\.\/no-such-program".* was not found/);
    expect(cell('central')).toMatchObject({ status: 'kept', figures: { excess: { declared: 0 } } });
    expect(board.limiters.map(({ id }) => id)).toEqual(['gone', 'memory', 'central']);
    expect(cell('central', 'failover')).toMatchObject({ status: 'not-run', reason: 'not measured yet' });
  });

  it('shows what a limiter in memory gives away, and holds it against it only where it promises the limit', () => {
    const { status, figures, witness, command } = cell('memory');
    expect(status).toBe('exceeded');
    expect(figures?.excess.tokens).toBeGreaterThan(20);
    expect(witness?.operations.length).toBeGreaterThan(20);
    expect(command).toBe(
      'openclaw-rl run scoreboard/healthy --limiter memory.mjs --topology single --persistence aof --load-processes 1 --seed 1',
    );
  });

  it('keeps the history that proves it, whose digest is in the cell, and no other', () => {
    const { history } = cell('memory');
    const bytes = readFileSync(join(runOf(cell('memory')), 'history.ndjson'));
    expect(history).toMatchObject({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    });
    expect(existsSync(join(runOf(cell('central')), 'history.ndjson'))).toBe(false);
  });

  it('writes the board as JSON, Markdown and a page', () => {
    const textOf = (name: string) => readFileSync(join(cwd, FOLDER, name), 'utf8');
    expect(JSON.parse(textOf('scoreboard.json'))).toEqual(board);
    expect(textOf('scoreboard.md')).toMatch(/\| memory \| exceeded \+\d/);
    expect(textOf('scoreboard.html')).toContain('in memory');
  });

  it('does not run a cell twice, unless the limiter changed; Ctrl-C ends it', async () => {
    const typed = ['scoreboard', './memory.mjs', '--scenario', 'healthy'];
    const again = await runCli([...typed, '--json'], { cwd });
    expect(again.stderr).not.toMatch(/memory in healthy/);
    expect(JSON.parse(again.stdout).cells).toEqual(board.cells);

    writeFileSync(join(cwd, 'memory.mjs'), MEMORY.replace('tokens: 20,', 'tokens: 21,'));
    const { child, output, ended } = startCli(typed, { cwd });
    await untilSaid({ output }, /1 of 1: memory in healthy, about 1 min left.*warm up/s, {
      timeout: 60_000,
    });
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(output.stderr).toMatch(/interrupted after 0 of 1 cells, which are in reports\/scoreboard/);
    expect(processesMentioning(cwd)).toEqual([]);
    writeFileSync(join(cwd, 'memory.mjs'), MEMORY);
  });

  it('keeps no cell of a limiter whose code changed while it was measured', async () => {
    const typed = ['scoreboard', './memory.mjs', '--scenario', 'hot-user', '--json'];
    const { output, ended } = startCli(typed, { cwd });
    await untilSaid({ output }, /memory in hot-user.*warm up/s, { timeout: 60_000 });
    writeFileSync(join(cwd, 'memory.mjs'), MEMORY.replace('tokens: 20,', 'tokens: 22,'));
    expect(await ended, output.stderr).toBe(2);
    writeFileSync(join(cwd, 'memory.mjs'), MEMORY);
    const { cells }: Scoreboard = JSON.parse(output.stdout);
    expect(cellOf(cells, 'memory', 'hot-user')).toMatchObject({
      status: 'not-run',
      reason: expect.stringMatching(/^its code changed while it was measured/),
    });
  });

  it('checks cells of a kept board, and says which changed', async () => {
    const kept = board.cells.map((one) => (one.limiter === 'central' ? { ...one, status: 'exceeded' } : one));
    writeFileSync(join(cwd, 'kept.json'), JSON.stringify({ ...board, cells: kept }));
    const typed = ['scoreboard', '--check', './memory.mjs', 'central', '--scenario', 'healthy'];
    const { code, stdout, stderr } = await proved(
      () => runCli([...typed, '--against', 'kept.json'], { cwd }),
      hasVerdict,
    );
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/^equal: memory in healthy: exceeded$/m);
    expect(stdout).toMatch(/^changed: central in healthy: was exceeded, is kept$/m);
  });
});
