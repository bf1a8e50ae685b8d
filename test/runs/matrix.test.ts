import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/report/matrix.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { proved } from '../support/proved.ts';

const SMALL = `# Does a small run fit into a matrix?
topology:
  regions: [a, b]
  replicas: 0
  roundTrip: { a:b: 10ms }
policy: 8:2/s
load: { mode: open, rate: 100, connections: 300, users: 4, skew: 0, roaming: 1, ramp: 1s, duration: 4s }
claims: [false-denials <= 0, contested >= 50%, info <= 5%]
`;

function folderWith(text: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'small.yaml'), text);
  return folder;
}

/** Measures its cells again if a busy machine proved too little. */
function untilDecided(args: readonly string[], options: { readonly cwd: string }) {
  let tries = 0;
  const run = () => runCli(tries++ === 0 ? args : [...args, '--again'], options);
  return proved(run, ({ code }) => code !== 2);
}

const matrixOf = (stdout: string): Matrix => JSON.parse(stdout);

describe('matrix', { timeout: 180_000 }, () => {
  it('measures each strategy once, says which cannot be, and takes what it has when it is run again', async () => {
    const cwd = folderWith(SMALL);
    const args = [
      ...['matrix', '--scenario', 'small.yaml', '--strategy', 'central', '--strategy', 'acked'],
      ...['--load-processes', '1'],
    ];
    const first = await untilDecided([...args, '--json'], { cwd });
    expect(first.code, first.stderr).toBe(0);
    const { cells, seeds } = matrixOf(first.stdout);
    expect(seeds).toEqual([1]);
    const [central, acked] = cells;
    const command = 'openclaw-rl run small.yaml --strategy central --load-processes 1 --seed 1';
    expect(central).toMatchObject({ scenario: 'small', strategy: 'central', status: 'within', command });
    expect(central?.figures?.excess).toEqual({ of: 'total', measured: 0, declared: 0 });
    expect(central?.figures?.redisCallsPerDecision).toBeCloseTo(1, 1);
    expect(central?.figures?.availability).toEqual([{ regions: ['a', 'b'], share: expect.closeTo(1, 1) }]);
    expect(acked).toMatchObject({
      status: 'refused',
      reason: expect.stringMatching(/waits for replicas/),
    });
    const [run = ''] = readdirSync(join(cwd, 'reports/matrix/runs'));
    expect(readdirSync(join(cwd, 'reports/matrix/runs', run))).not.toContain('history.ndjson');

    const again = await runCli([...args, '--json'], { cwd });
    expect(again.code).toBe(0);
    expect(matrixOf(again.stdout).cells).toEqual(cells);
    expect(again.stderr).not.toMatch(/small by central/);
    expect(readFileSync(join(cwd, 'reports/matrix/matrix.md'), 'utf8')).toMatch(
      /\| small \| central \| 0 \| 0 \| within/,
    );

    const elsewhere = await callCli([...args, '--server', 'no-such-server'], { cwd });
    expect([elsewhere.code, elsewhere.stdout]).toEqual([69, '']);

    const measuresAgain = async () => {
      const { child, output, ended } = startCli(args, { cwd });
      await untilSaid({ output }, /1 of 2: small by central.*warm up/s, { timeout: 30_000 });
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(output.stdout).toBe('');
      expect(output.stderr).toMatch(/interrupted after 0 of 2 cells, which are in reports\/matrix/);
      expect(processesMentioning(cwd)).toEqual([]);
    };
    writeFileSync(join(cwd, 'small.yaml'), SMALL.replace('8:2/s', '9:2/s'));
    await measuresAgain(); // it is another plan now
    writeFileSync(join(cwd, 'small.yaml'), SMALL);
    truncateSync(join(cwd, 'reports/matrix/runs', run, 'report.json'), 1_000);
    await measuresAgain();
  });

  it('keeps what had too little evidence, and measures it once more where that is asked', async () => {
    const cwd = folderWith(SMALL.replace('users: 4', 'users: 400').replace('>= 50%', '>= 90%'));
    const args = ['matrix', '--scenario', 'small.yaml', '--strategy', 'central'];
    const first = await runCli([...args, '--json'], { cwd });
    expect(first.code, first.stderr).toBe(2);
    const { cells } = matrixOf(first.stdout);
    expect(cells).toMatchObject([{ status: 'unknown', reason: expect.stringMatching(/contested/) }]);
    const again = await callCli([...args, '--json'], { cwd });
    expect([again.code, matrixOf(again.stdout).cells]).toEqual([2, cells]);
    const once = await runCli([...args, '--again', '--json'], { cwd });
    expect(once.stderr).toMatch(/1 of 1: small by central/);
    expect(matrixOf(once.stdout).cells[0]?.startedAt).not.toBe(cells[0]?.startedAt);
  });

  it('writes with --certificate the proofs of each cell, once, and keeps the history for the verifier', async () => {
    const cwd = folderWith(SMALL);
    const args = ['matrix', '--scenario', 'small.yaml', '--strategy', 'central'];
    expect((await untilDecided(args, { cwd })).code).toBe(0);
    const runs = () => readdirSync(join(cwd, 'reports/matrix/runs')).sort();
    const before = runs();
    const { code, stderr } = await untilDecided([...args, '--certificate'], { cwd });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/1 of 1: small by central/)]);
    const [run = ''] = runs().filter((name) => !before.includes(name));
    const folder = join('reports/matrix/runs', run);
    expect(readdirSync(join(cwd, folder))).toEqual(
      expect.arrayContaining(['history.ndjson', 'certificate.ndjson.gz']),
    );
    const verified = await runCli(['verify', folder], { cwd });
    expect(verified.code, verified.stdout).toBe(0);
    const again = await callCli([...args, '--certificate'], { cwd });
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringMatching(/small by central/)]);
    expect(runs()).toHaveLength(before.length + 1);
  });

  it('proves nothing where no strategy can be in any scenario', async () => {
    const cwd = folderWith(SMALL);
    const typed = ['matrix', '--scenario', 'small.yaml', '--strategy', 'acked', 'lease'];
    const { code, stdout } = await callCli(typed, { cwd });
    expect(code, stdout).toBe(2);
    expect(stdout).toMatch(/lease +│ 0 +│ 1 refused/);
  });

  it('ends with exit code 1 and keeps the history where a strategy goes beyond its bound', async () => {
    const cwd = folderWith(SMALL);
    const args = ['matrix', '--scenario', 'small.yaml', '--strategy', 'active-active-lww'];
    const { code, stdout, stderr } = await runCli([...args, '--format', 'md'], { cwd });
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/\| small \| active-active-lww \| .* in one window \| .* \| above \|/);
    const [run = ''] = readdirSync(join(cwd, 'reports/matrix/runs'));
    expect(readdirSync(join(cwd, 'reports/matrix/runs', run))).toContain('history.ndjson');
  });

  it.each([
    {
      title: 'two scenarios of one name',
      scenarios: ['small.yaml', 'baseline', 'baseline'],
      more: [],
      says: /two scenarios are called/,
    },
    {
      title: 'a folder that cannot be',
      scenarios: ['small.yaml'],
      more: ['--folder', '/proc/x'],
      says: /cannot write to \/proc\/x/,
    },
  ])('refuses $title', async ({ scenarios, more, says }) => {
    const cwd = folderWith(SMALL);
    const { code, stdout, stderr } = await callCli(['matrix', '--scenario', ...scenarios, ...more], { cwd });
    expect([code === 64 || code === 69, stdout], stderr).toEqual([true, '']);
    expect(stderr).toMatch(says);
  });

  it('tells what is wrong with a scenario before it runs any', async () => {
    const cwd = folderWith(SMALL.replace('policy: 8:2/s', 'policy: 8'));
    const { code, stdout, stderr } = await callCli(['matrix', '--scenario', 'baseline', 'small.yaml'], {
      cwd,
    });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/small\.yaml:6:9 policy: /);
    expect(stderr).not.toMatch(/ by central/);
  });
});
