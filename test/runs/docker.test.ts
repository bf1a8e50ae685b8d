import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClusterStatus } from '../../src/regions/status.ts';
import { type CliRun, runCli, startCli, testFolder } from '../support/cli.ts';
import { dockerLack, imageVariables, withDocker } from '../support/docker.ts';

/** Two regions close together and no replicas, where more would show nothing more. */
const SMALL = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '0'];
const DOCKER = ['--provider', 'docker'];
/** Few users who ask often: their buckets are drained on any machine. */
const LOAD = ['--policy', '20:5/s', '--connections', '60', '--users', '12', '--skew', '0', '--seed', '7'];

const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** Everything with a label of a cluster in the state folder of a test: containers, networks, volumes. */
function labelled(folder: string): string[] {
  const format = '{{.Label "openclaw-rl"}}';
  const state = join(folder, 'state');
  return [
    ['ps', '--all', '--format', `container {{.Names}} ${format}`],
    ['network', 'ls', '--format', `network {{.Name}} ${format}`],
    ['volume', 'ls', '--format', `volume {{.Name}} ${format}`],
  ]
    .flatMap((args) => docker(...args).split('\n'))
    .filter((line) => line.includes(state));
}

function dockerFolder() {
  const folder = testFolder();
  const options = { cwd: folder, env: imageVariables() };
  onTestFinished(async () => {
    await runCli(['down', '--all'], options);
  });
  return {
    folder,
    run: (...args: string[]) => runCli(args, options),
    start: (...args: string[]): CliRun => startCli(args, options),
  };
}

function verdictOf(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8')).verdict;
}

describe.skipIf(dockerLack !== undefined)(withDocker, { timeout: 120_000 }, () => {
  it('brings up regions that stay, acts on their nodes, and ends them from another process', async () => {
    const { folder, run } = dockerFolder();
    const up = await run('up', '--json', ...DOCKER, ...SMALL);
    expect(up.code, up.stderr).toBe(0);
    const { provider, nodes, links } = JSON.parse(up.stdout) as ClusterStatus;
    expect([provider, nodes.map(({ role }) => role)]).toEqual(['docker', ['primary', 'primary']]);
    for (const { measuredRoundTripMs = 0 } of links) expect(measuredRoundTripMs).toBeGreaterThanOrEqual(10);
    expect((await run('up', ...DOCKER, ...SMALL)).stderr).toMatch(/was up already/);

    const inspected = await run('inspect', 'ada', '--json');
    expect(JSON.parse(inspected.stdout).takes.map(({ answer }: { answer: string }) => answer)).toEqual([
      'allowed',
      'allowed',
    ]);

    const rolesIn = async () =>
      (JSON.parse((await run('status', '--json')).stdout) as ClusterStatus).nodes.map(({ role }) => role);
    for (const fault of ['kill', 'pause'])
      expect(await holding(fault, rolesIn), fault).toEqual(['primary', 'down']);
    expect(await rolesIn()).toEqual(['primary', 'primary']);

    expect(await run('down')).toEqual({ code: 0, stdout: '', stderr: 'cluster default is down\n' });
    expect(labelled(folder)).toEqual([]);

    /** What is seen while node b-0 is faulty. */
    async function holding<T>(fault: string, look: () => Promise<T>): Promise<T> {
      const { child, output, ended } = startCli(['fault', fault, '--node', 'b-0'], { cwd: folder });
      await vi.waitUntil(() => output.stderr.includes('in force'), { timeout: 10_000 });
      const seen = await look();
      child.kill('SIGINT');
      await ended;
      return seen;
    }
  });

  it('leaves nothing after a SIGKILL at any moment, and touches nothing of others', async () => {
    const { folder, run, start } = dockerFolder();
    const others = `openclaw-rl-test-${process.pid}`;
    onTestFinished(() => {
      for (const kind of ['rm', 'volume rm', 'network rm']) docker(...kind.split(' '), '--force', others);
    });
    const image = imageVariables().OPENCLAW_REDIS_IMAGE ?? 'redis:8';
    docker('network', 'create', '--label', 'openclaw-rl=/somewhere/else', others);
    docker('volume', 'create', '--label', 'openclaw-rl=/somewhere/else', others);
    docker('create', '--name', others, '--label', 'openclaw-rl=/somewhere/else', image);
    const left: string[][] = [];
    for (const afterMs of [400, 900, 1_600, 2_500]) {
      const { child, ended } = start('up', ...DOCKER, ...SMALL);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill('SIGKILL');
      await ended;
      expect((await run('down')).code).toBe(0);
      left.push(labelled(folder));
    }
    expect(left).toEqual([[], [], [], []]);
    expect(docker('ps', '--all', '--filter', `name=${others}`, '--format', '{{.Names}}')).toBe(others);
    expect(docker('network', 'ls', '--filter', `name=${others}`, '--format', '{{.Name}}')).toBe(others);
    expect(docker('volume', 'ls', '--filter', `name=${others}`, '--format', '{{.Name}}')).toBe(others);
  });

  it('judges a bench, and a partition with its failover, as it does local regions', async () => {
    const { folder, run } = dockerFolder();
    expect((await run('up', ...DOCKER)).code).toBe(0);
    const bench = await run('bench', ...LOAD, '--duration', '5');
    expect([bench.code, verdictOf(folder)], `${bench.stdout}${bench.stderr}`).toEqual([0, 'pass']);
    const partition = ['partition', '--isolate', 'eu-west', '--at', '2s', '--for', '8s', '--duration', '14'];
    const chaos = await run('chaos', ...partition, ...LOAD);
    expect([chaos.code, verdictOf(folder)], `${chaos.stdout}${chaos.stderr}`).toEqual([0, 'pass']);
    expect(chaos.stdout).toMatch(/takeover/);
    const { code, stdout } = await run('bench', ...LOAD, '--strategy', 'article', '--duration', '5');
    expect([code, verdictOf(folder)], stdout).toEqual([1, 'fail']);
    expect((await run('down')).code).toBe(0);
    expect(labelled(folder)).toEqual([]);
  });
});
