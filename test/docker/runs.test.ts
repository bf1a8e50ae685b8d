import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClusterStatus } from '../../src/regions/cluster/status.ts';
import { callCli } from '../support/call-cli.ts';
import { type CliRun, runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { dockerLack, imageVariables, withDocker } from '../support/docker.ts';
import { proved } from '../support/proved.ts';

/** Two regions close together and no replicas, where more would show nothing more. */
const SMALL = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '0'];
/** Of each region its own, its Toxiproxy and its node. */
const ALL_OF_SMALL = 6;
const DOCKER = ['--provider', 'docker'];
/** Few users who ask often: their buckets are drained on any machine. */
const LOAD = '--policy 20:5/s --rate 150 --connections 300 --users 12 --skew 0 --seed 7'.split(' ');

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

/** What of a cluster is there, in the order in which it comes: a network, volumes, containers that run. */
function progressOf(folder: string): { networks: number; running: number } {
  const things = labelled(folder);
  const count = (kind: string) => things.filter((thing) => thing.startsWith(kind)).length;
  const cluster = `label=openclaw-rl=${join(folder, 'state/clusters/default')}`;
  const running = docker('ps', '--quiet', '--filter', cluster).split('\n').filter(Boolean).length;
  return { networks: count('network'), running };
}

function dockerFolder() {
  const folder = testFolder();
  const options = { cwd: folder, env: imageVariables() };
  onTestFinished(async () => {
    await callCli(['down', '--all', '--yes'], options);
  });
  return {
    folder,
    run: (...args: string[]) => runCli(args, options),
    start: (...args: string[]): CliRun => startCli(args, options),
  };
}

const WAIT = { timeout: 60_000, interval: 50 };

/** Containers of gateways and Rating services, also those that have ended. */
function servicesIn(folder: string): string[] {
  return labelled(folder).filter((thing) => /^container \S+-(gateway|rating)-/.test(thing));
}

/** Whether a run has written down requests that it has sent, and has not ended. */
function hasHistory(folder: string): boolean {
  const runs = readdirSync(join(folder, 'reports'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return runs.some(({ name }) => {
    const files = readdirSync(join(folder, 'reports', name));
    const history = files.find((file) => file.startsWith('history'));
    return (
      history !== undefined &&
      !files.includes('report.json') &&
      statSync(join(folder, 'reports', name, history)).size > 10_000
    );
  });
}

function verdictOf(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8')).verdict;
}

describe.skipIf(dockerLack !== undefined)(withDocker, { timeout: 300_000 }, () => {
  beforeAll(() => void imageVariables(), 360_000); // a new machine makes its images first: no part of what is tested

  it('brings up regions that stay, acts on nodes, outlives killed runs, and ends from another process', async () => {
    const { folder, run, start } = dockerFolder();
    const up = await run('up', '--json', ...DOCKER, ...SMALL);
    expect(up.code, up.stderr).toBe(0);
    const { provider, nodes, links } = JSON.parse(up.stdout) as ClusterStatus;
    expect([provider, nodes.map(({ role }) => role)]).toEqual(['docker', ['primary', 'primary']]);
    for (const { measuredRoundTripMs = 0 } of links) expect(measuredRoundTripMs).toBeGreaterThanOrEqual(10);
    expect((await run('up', ...DOCKER, ...SMALL)).stderr).toMatch(/was up already/);

    const answersOf = async () =>
      JSON.parse((await run('inspect', 'ada', '--json')).stdout).takes.map(
        ({ answer }: { answer: string }) => answer,
      );
    await vi.waitFor(async () => expect(await answersOf()).toEqual(['allowed', 'allowed']), WAIT); // a busy one may miss one

    const rolesIn = async () =>
      (JSON.parse((await run('status', '--json')).stdout) as ClusterStatus).nodes.map(({ role }) => role);
    for (const fault of ['kill', 'pause'])
      expect(await holding(fault, rolesIn), fault).toEqual(['primary', 'down']);
    expect(await rolesIn()).toEqual(['primary', 'primary']);

    // Killed while its services start, and while it loads: the next run finds their places free.
    const bench = ['bench', ...LOAD.slice(2), '--policy', '5:1/s'];
    for (const until of ['services start', 'load is sent'] as const) {
      const { child, ended } = start(...bench, '--duration', '60');
      await vi.waitUntil(() => servicesIn(folder).length >= (until === 'services start' ? 1 : 4), WAIT);
      if (until === 'load is sent') await vi.waitUntil(() => hasHistory(folder), WAIT);
      child.kill('SIGKILL');
      await ended;
      const next = await run(...bench, '--duration', '2', '--certificate');
      expect([0, 1, 2], `${next.stdout}${next.stderr}`).toContain(next.code); // judged, whatever came of it
      expect(servicesIn(folder)).toEqual([]);
    }
    expect(readdirSync(join(folder, 'reports/latest'))).toContain('certificate.ndjson.gz');
    const verified = await run('verify');
    expect(verified.code, verified.stdout).toBe(0);
    const { code, stdout } = await run(...bench, '--strategy', 'article', '--duration', '4');
    expect([code, verdictOf(folder)], stdout).toEqual([1, 'fail']);

    expect(await run('down')).toEqual({ code: 0, stdout: '', stderr: 'cluster default is down\n' });
    expect(labelled(folder)).toEqual([]);

    /** What is seen while node b-0 is faulty. */
    async function holding<T>(fault: string, look: () => Promise<T>): Promise<T> {
      const { child, output, ended } = startCli(['fault', fault, '--node', 'b-0'], { cwd: folder });
      await untilSaid({ output }, /in force/);
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
    const moments = {
      network: () => progressOf(folder).networks > 0,
      container: () => progressOf(folder).running > 0,
      forming: (stderr: string) => stderr.includes('forming the cluster'),
    };
    const seen: Record<string, ReturnType<typeof progressOf>> = {};
    for (const [moment, isThere] of Object.entries(moments)) {
      const { child, output, ended } = start('up', ...DOCKER, ...SMALL);
      await vi.waitUntil(() => isThere(output.stderr), WAIT);
      child.kill('SIGKILL');
      seen[moment] = progressOf(folder);
      await ended;
      if (moment === 'forming') rmSync(join(folder, 'state'), { recursive: true }); // no state file is left
      const down = await run('down', '--all');
      expect([down.code, labelled(folder)], `${moment}: ${down.stderr}`).toEqual([0, []]);
    }
    expect(seen).toMatchObject({ network: { networks: 1 }, forming: { networks: 1, running: ALL_OF_SMALL } });
    expect(seen.container?.running).toBeGreaterThan(0);
    expect(docker('ps', '--all', '--filter', `name=${others}`, '--format', '{{.Names}}')).toBe(others);
    expect(docker('network', 'ls', '--filter', `name=${others}`, '--format', '{{.Name}}')).toBe(others);
    expect(docker('volume', 'ls', '--filter', `name=${others}`, '--format', '{{.Name}}')).toBe(others);
  });

  it('reports and keeps the log of a container that has exited', async () => {
    const { folder } = dockerFolder();
    const { OPENCLAW_RL_IMAGE: own = 'openclaw-rl', ...others } = imageVariables();
    const env = { ...others, OPENCLAW_TOXIPROXY_IMAGE: own }; // prints its help and ends
    const { code, stderr } = await runCli(['up', ...DOCKER, ...SMALL], { cwd: folder, env });
    expect([code, stderr], stderr).toEqual([69, expect.stringMatching(/toxiproxy is exited \(0\).*its log/)]);
    const log = /its log: (\S+\.log)/.exec(stderr)?.[1] ?? '';
    expect(readFileSync(log, 'utf8')).toMatch(/display help for command/);
    expect(labelled(folder)).toEqual([]);
  });

  it('judges a partition with its failover as it does local regions', async () => {
    const { folder, run } = dockerFolder();
    const partition = ['partition', '--isolate', 'eu-west', '--at', '2s', '--for', '8s', '--duration', '14'];
    const few = ['--users', '6']; // a busy machine drains no more: 2,363 requests drained 8 of 12
    const chaos = await proved(
      () => run('chaos', ...partition, ...DOCKER, ...LOAD, ...few),
      ({ code, stdout }) => code === 1 || (code !== 2 && /takeover/.test(stdout)),
    );
    expect([chaos.code, verdictOf(folder)], `${chaos.stdout}${chaos.stderr}`).toEqual([0, 'pass']);
    expect(chaos.stdout).toMatch(/takeover/);
    expect(labelled(folder)).toEqual([]);
  });

  it('kills the primary behind Sentinels: the services find the next one, and the kill is proved', async () => {
    const { folder, run } = dockerFolder();
    const kill = ['kill', '--node', 'us-east-0', '--at', '2s', '--for', '8s', '--duration', '14'];
    const args = ['chaos', ...kill, ...DOCKER, '--topology', 'sentinel', ...LOAD, '--users', '6'];
    const deciding = () => {
      const history = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8');
      return new Set([...history.matchAll(/"node":"(\w+-\w+-\d)","atUs"/g)].map(([, node]) => node));
    };
    // Sentinels that ask for votes at once repeat that only after 12 s.
    const chaos = await proved(
      () => run(...args),
      ({ code }) => code === 1 || deciding().size > 1,
    );
    expect([0, 2], `${chaos.stdout}${chaos.stderr}`).toContain(chaos.code); // a busy machine drains few buckets
    const { events } = JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'));
    expect(events).toContainEqual(
      expect.objectContaining({
        event: 'proof',
        args: expect.objectContaining({ fault: 'kill', bit: true }),
      }),
    );
    expect(deciding()).toContain('us-east-0');
    expect(deciding().size).toBeGreaterThan(1);
    expect(labelled(folder)).toEqual([]);
  });
});
