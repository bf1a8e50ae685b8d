import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { fateOf, ownerText, parseOwner, thisProgram } from '../../src/regions/processes/owner.ts';
import { callCli } from '../support/call-cli.ts';
import { BIN, startProgram, untilSaid } from '../support/cli.ts';
import { clusterFolder, SMALL, up } from '../support/cli-cluster.ts';

const US = thisProgram();

it.each([
  { title: 'runs', owner: US, fate: 'runs' },
  { title: 'runs, by an older version', owner: { ...US, pidNamespace: '' }, fate: 'runs' },
  { title: 'has ended, its pid used again', owner: { ...US, startedAt: '1' }, fate: 'ended' },
  { title: 'is of another namespace', owner: { ...US, pidNamespace: '1' }, fate: 'elsewhere' },
])('a program $title', ({ owner, fate }) => {
  const read = parseOwner(ownerText(owner));
  expect(read && fateOf(read)).toBe(fate);
});

it('a text that names no program is none', () => {
  expect([parseOwner('7'), parseOwner('another'), parseOwner('7:9')]).toEqual([
    undefined,
    undefined,
    { pid: 7, startedAt: '9' },
  ]);
});

/** Runs a command in a pid namespace of its own, as in a container that shares the state folder. */
function inNamespace(folder: string, ...command: readonly string[]) {
  const flags = ['--map-root-user', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  return startProgram('unshare', [...flags, ...command], { cwd: folder });
}

const ELSEWHERE =
  /cluster \S+ is of another pid namespace: its processes cannot be seen from here[\s│]+end it in its own container; if that is gone or was restarted: rm -r \S+/;

describe('a cluster of another pid namespace', { timeout: 300_000 }, () => {
  it('is left alone, with a line that says so, while its run goes on', async () => {
    const folder = clusterFolder();
    const load = '--rate 40 --connections 10 --users 6 --skew 0 --ramp 0 --duration 300'.split(' ');
    const run = inNamespace(folder, BIN, 'bench', ...SMALL, ...load);
    await untilSaid(run, /load .*at limit/, { timeout: 150_000 });
    const doctor = await callCli(['doctor'], { cwd: folder });
    expect(doctor.stdout).toMatch(/no leftovers of a killed run/);
    expect(doctor.stdout).toMatch(ELSEWHERE);
    const other = await callCli(['down', '--name', 'other'], { cwd: folder });
    expect([other.code, other.stderr]).toEqual([0, expect.stringMatching(ELSEWHERE)]);
    const all = await callCli(['down', '--all'], { cwd: folder });
    expect([all.code, all.stderr]).toEqual([69, expect.stringMatching(ELSEWHERE)]);
    const before = run.output.stderr.length;
    await vi.waitUntil(() => / load .*at limit/.test(run.output.stderr.slice(before)), { timeout: 60_000 });
    expect(run.output.isWhole).toBe(false);
    expect(run.output.stderr).not.toMatch(/not responding|ended with/);
  });

  it('that stays is neither used, ended nor started again', async () => {
    const folder = clusterFolder();
    const script = '"$@" && exec sleep 600';
    const inside = inNamespace(folder, 'sh', '-c', script, 'sh', BIN, 'up', ...SMALL);
    await untilSaid(inside, /cluster default is up/, { timeout: 150_000 });
    const file = join(folder, 'state/clusters/default/state.json');
    const before = readFileSync(file, 'utf8');
    for (const command of [['up', ...SMALL], ['status'], ['down'], ['down', '--all']]) {
      const { code, stderr } = await callCli(command, { cwd: folder });
      expect([command, code, stderr]).toEqual([command, 69, expect.stringMatching(ELSEWHERE)]);
    }
    expect(readFileSync(file, 'utf8')).toBe(before);
    inside.child.kill('SIGKILL');
    await inside.ended;
  });
});

it('a cluster is started with its pid namespace in its state', { timeout: 60_000 }, async () => {
  const folder = clusterFolder();
  await up(folder, ...SMALL);
  const file = join(folder, 'state/clusters/default/state.json');
  expect(US.pidNamespace).toMatch(/^\d+$/);
  expect(JSON.parse(readFileSync(file, 'utf8')).provision.pidNamespace).toBe(US.pidNamespace);
  expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
});

it('process 1 of a pid namespace, which no kill from inside ends, says once that a plug-in loops', async () => {
  const module = new URL('../../dist/cli/runs/endless-loop.js', import.meta.url);
  const used = 'const used = ({ user, system }) => user + system;';
  const loop = `${used} while (used(process.cpuUsage()) < 2_000_000);`;
  const code = `import { endAtLoop } from '${module}'; endAtLoop('mine.mjs', 300); setTimeout(() => { ${loop} process.exit(); }, 300);`;
  const run = inNamespace(clusterFolder(), process.execPath, '--input-type=module', '--eval', code);
  expect(await run.ended, run.output.stderr).toBe(0);
  expect(run.output.stderr.match(/^error: plugin:mine\.mjs computed for 0\.3 s/gm)).toHaveLength(1);
  expect(run.output.stderr).toContain('end the container, and start it with --init');
});
