import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { type ByHand, startByHand, startClusterByHand } from '../support/by-hand.ts';
import { callCli } from '../support/call-cli.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { hasEvidence, proved } from '../support/proved.ts';

const PASSWORD = 'hunter2-of-the-nodes';
const SENTINEL_PASSWORD = 'hunter2-of-the-sentinels';
const LOAD = '--rate 200 --connections 400 --users 6 --skew 0'.split(' ');
const BENCH = ['bench', '--endpoints', 'e.yaml', ...LOAD];
const SMALL = [...BENCH, '--duration', '5', '--ramp', '2', '--json'];

const started: ByHand[] = [];
afterEach(async () => {
  for (const { stop } of started.splice(0)) await stop();
});

const statesOf = (nodes: readonly ByHand[]) => Promise.all(nodes.map(({ state }) => state()));

function endpointsIn(folder: string, lines: readonly string[]): void {
  writeFileSync(join(folder, 'e.yaml'), `${lines.join('\n')}\n`);
}

const nodeLine = (name: string, region: string, address: string) =>
  `  - { name: ${name}, region: ${region}, address: '${address}' }`;

/** Every file below a folder that has this text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file).includes(text));
}

/** Command lines of all processes that have this text. */
function commandLinesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return []; // it has ended
      }
    })
    .filter((line) => line.includes(text) && !line.startsWith('redis-'));
}

/** Runs a bench to its verdict, and looks meanwhile for the passwords among the processes. */
async function watchedBench(folder: string, env: Record<string, string>, args: readonly string[]) {
  const run = startCli(args, { cwd: folder, env });
  await untilSaid(run, /load {6,}\d\//, { timeout: 60_000 });
  const seen = [PASSWORD, SENTINEL_PASSWORD].flatMap(commandLinesWith);
  const code = await run.ended;
  const { stdout, stderr } = run.output;
  expect(seen).toEqual([]);
  for (const secret of [PASSWORD, SENTINEL_PASSWORD]) {
    expect(stdout + stderr).not.toContain(secret);
    expect(filesWith(folder, secret)).toEqual([]);
  }
  expect(stderr).toMatch(/^deleted \d+ keys of this run; 0 are left$/m);
  return { code, report: JSON.parse(stdout) as RunReport };
}

/** Expects that a bench passes, and that no password is seen. */
async function bench(folder: string, env: Record<string, string>, args: readonly string[] = SMALL) {
  const { code, report } = await proved(() => watchedBench(folder, env, args), hasEvidence);
  expect([code, report.verdict], JSON.stringify([report.claims, report.troubles])).toEqual([0, 'pass']);
  return report;
}

describe('Redis that was started by hand', { timeout: 240_000 }, () => {
  it('a cluster: bench passes, a command breaks it, and nothing of it is changed', async () => {
    const folder = testFolder();
    const nodes = await startClusterByHand();
    started.push(...nodes);
    const regions = ['us-east', 'eu-west', 'ap-south'];
    endpointsIn(folder, [
      `regions: [${regions.join(', ')}]`,
      'nodes:',
      ...nodes.map(({ port }, at) => nodeLine(`node-${at}`, regions[at % 3] ?? '', `127.0.0.1:${port}`)),
    ]);
    const before = await statesOf(nodes);
    const report = await bench(folder, {}, [...SMALL, '--strategy', 'acked', '--homes']);
    for (const { cli } of nodes) expect(await cli('dbsize')).toBe('0'); // those at home are deleted, too
    expect(report.system).toBe('external cluster, e.yaml');
    expect(report.shards.map(({ shard }) => shard).sort()).toEqual(['node-0', 'node-1', 'node-2']);
    expect(filesWith(join(folder, 'reports'), '127.0.0.1:').map((file) => file.replace(/.*\//, ''))).toEqual(
      expect.not.arrayContaining(['report.json', 'report.md', 'report.html', 'history.ndjson']),
    );
    const [primary] = nodes;
    const replica = await replicaOf(nodes, 0);
    const command = ['chaos', 'command', '--endpoints', 'e.yaml', '--at', '1s', '--for', '3s'];
    const shell = [
      ...['--inject', `redis-cli -p ${replica.port} cluster failover`],
      ...['--heal', `redis-cli -p ${primary?.port} cluster failover`],
    ];
    const load = [...LOAD, '--duration', '6', '--claim', 'info <= 50%'];
    const chaos = await callCli([...command, ...shell, ...load, '--json'], { cwd: folder });
    const broken: RunReport = JSON.parse(chaos.stdout);
    expect(
      broken.events.filter(({ event, args }) => event === 'role' && args?.to === 'primary').length,
      chaos.stderr,
    ).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await primary?.cli('role')).toMatch(/^master/), { timeout: 20_000 });
    expect(await statesOf(nodes)).toEqual(before);
  });

  it('one server with TLS and a password: bench passes, and nothing of it is changed', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'cert.pem'), TEST_CERTIFICATE);
    writeFileSync(join(folder, 'key.pem'), TEST_KEY);
    const tls = ['cert', 'ca-cert'].flatMap((name) => [`--tls-${name}-file`, join(folder, 'cert.pem')]);
    const server = await startByHand(
      [
        ...tls,
        '--tls-key-file',
        join(folder, 'key.pem'),
        '--tls-auth-clients',
        'no',
        '--requirepass',
        PASSWORD,
      ],
      { tls: true, login: ['--tls', '--insecure', '--no-auth-warning', '-a', PASSWORD] },
    );
    started.push(server);
    endpointsIn(folder, [
      'kind: single',
      'regions: [home, away]',
      'nodes:',
      nodeLine('redis', 'home', `rediss://127.0.0.1:${server.port}`),
      'tls: { ca: cert.pem }',
    ]);
    const without = await callCli(SMALL, { cwd: folder });
    expect([without.code, without.stderr]).toEqual([
      69,
      expect.stringMatching(/redis: asks for a password[\s\S]*doctor --endpoints e\.yaml/),
    ]);
    const before = await server.state();
    await bench(folder, { REDIS_PASSWORD: PASSWORD });
    expect(await server.state()).toEqual(before);
    const inspected = await callCli(['inspect', 'ada', '--endpoints', 'e.yaml', '--json'], {
      cwd: folder,
      env: { REDIS_PASSWORD: PASSWORD },
    });
    expect(JSON.parse(inspected.stdout)).toMatchObject({ primary: { node: 'redis', region: 'home' } });

    const killed = startCli(SMALL, { cwd: folder, env: { REDIS_PASSWORD: PASSWORD } });
    await untilSaid(killed, /load {6,}[2-9]\//, { timeout: 60_000 });
    killed.child.kill('SIGKILL');
    await killed.ended;
    const keys = (await server.cli('--scan')).split('\n').filter((key) => key !== '');
    const lives = await Promise.all(keys.map((key) => server.cli('pttl', key)));
    expect(lives.filter((ms) => Number(ms) === -1 || Number(ms) > 3_600_000)).toEqual([]);
    const long = await callCli([...SMALL, '--policy', '100:1/min'], {
      cwd: folder,
      env: { REDIS_PASSWORD: PASSWORD },
    });
    expect([long.code, long.stderr]).toEqual([64, expect.stringMatching(/100:1\/min takes 2 h to fill/)]);
    const homes = await callCli([...SMALL, '--homes'], { cwd: folder, env: { REDIS_PASSWORD: PASSWORD } });
    expect([homes.code, homes.stderr]).toEqual([
      64,
      expect.stringMatching(/e\.yaml has no homes, which need one Redis Cluster over the regions/),
    ]);
  });

  it('a primary behind Sentinels: bench passes, and nothing of it is changed', async () => {
    const folder = testFolder();
    const login = ['--no-auth-warning', '-a', PASSWORD];
    const secured = ['--requirepass', PASSWORD, '--masterauth', PASSWORD];
    const primary = await startByHand(secured, { login });
    started.push(primary);
    const replica = await startByHand([...secured, '--replicaof', `127.0.0.1 ${primary.port}`], { login });
    started.push(replica);
    const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(folder, primary.port)));
    started.push(...sentinels);
    endpointsIn(folder, [
      'kind: sentinel',
      'regions: [us-east, eu-west]',
      'nodes:',
      nodeLine('us-1', 'us-east', `localhost:${primary.port}`),
      nodeLine('eu-1', 'eu-west', `localhost:${replica.port}`),
      `sentinel: { primary: mymaster, addresses: [${sentinels.map(({ port }) => `'127.0.0.1:${port}'`).join(', ')}] }`,
    ]);
    await vi.waitFor(async () => expect(await replica.cli('role')).toMatch(/connected/), { timeout: 20_000 });
    const env = { REDIS_PASSWORD: PASSWORD, SENTINEL_PASSWORD };
    const before = await statesOf([primary, replica]);
    const report = await bench(folder, env, [...SMALL, '--strategy', 'acked']);
    expect(report.shards.map(({ shard }) => shard)).toEqual(['us-1']);
    expect(await statesOf([primary, replica])).toEqual(before);
    const status = await callCli(['status', '--endpoints', 'e.yaml', '--json'], { cwd: folder, env });
    expect(JSON.parse(status.stdout).nodes).toMatchObject([
      { name: 'us-1', role: 'primary' },
      { name: 'eu-1', role: 'replica', primary: 'us-1' },
    ]);
  });
});

describe('a server that loses its state', { timeout: 120_000 }, () => {
  it('is charged with a full bucket, whatever its name in the file; two servers are charged with all', async () => {
    const folder = testFolder();
    const server = await startByHand([]);
    started.push(server);
    const nodes = (line: string) => endpointsIn(folder, ['kind: single', 'regions: [a, b]', 'nodes:', line]);
    nodes(nodeLine('redis', 'a', `localhost:${server.port}`));
    const chaos = [
      'chaos',
      'command',
      '--endpoints',
      'e.yaml',
      '--at',
      '2s',
      '--for',
      '1s',
      '--heal',
      'true',
    ];
    const load = [...LOAD, '--duration', '5', '--json'];
    const again = `redis-server --port ${server.port} --save '' --daemonize yes --dir ${folder}`;
    const restart = `redis-cli -p ${server.port} shutdown nosave; ${again}`;
    const lost = await callCli([...chaos, '--inject', restart, ...load], { cwd: folder });
    onTestFinished(async () => void (await server.cli('shutdown', 'nosave').catch(() => {})));
    const report: RunReport = JSON.parse(lost.stdout);
    expect(
      report.shards.map(({ shard, emptyRestarts }) => [shard, emptyRestarts]),
      lost.stderr,
    ).toEqual([['redis', 1]]);
    expect(report.claims.filter(({ status }) => status === 'broken')).toEqual([]);
    expect(report.overAdmission.largestExcess).toBeLessThanOrEqual(20);

    const other = await startByHand([]);
    started.push(other);
    endpointsIn(folder, [
      ...['kind: single', 'regions: [a, b]', 'nodes:'],
      nodeLine('ra', 'a', `127.0.0.1:${server.port}`),
      nodeLine('rb', 'b', `127.0.0.1:${other.port}`),
    ]);
    const twice = await callCli([...chaos, '--inject', 'true', '--roaming', '1', ...load], { cwd: folder });
    const apart: RunReport = JSON.parse(twice.stdout);
    expect(apart.overAdmission.largestExcess).toBeGreaterThan(0);
    expect(apart.verdict).not.toBe('pass');
    expect(twice.code).not.toBe(0);
  });
});

/** The replica of the n-th primary. */
async function replicaOf(nodes: readonly ByHand[], at: number): Promise<ByHand> {
  const id = await nodes[at]?.cli('cluster', 'myid');
  const view = await nodes[0]?.cli('cluster', 'nodes');
  const port = new RegExp(`^\\S+ 127\\.0\\.0\\.1:(\\d+)@\\S+ slave ${id} `, 'm').exec(view ?? '')?.[1];
  const found = nodes.find((node) => String(node.port) === port);
  if (found === undefined) throw new Error(`no replica of ${id} in ${view}`);
  return found;
}

let sentinelCount = 0;

async function startSentinel(folder: string, primaryPort: number): Promise<ByHand> {
  const port = await freePort();
  const file = join(testFolder(), `sentinel-${sentinelCount++}.conf`);
  writeFileSync(
    file,
    [
      `port ${port}`,
      `dir ${folder}`,
      `sentinel monitor mymaster 127.0.0.1 ${primaryPort} 2`,
      `sentinel auth-pass mymaster ${PASSWORD}`,
      `requirepass ${SENTINEL_PASSWORD}`,
      `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
      '',
    ].join('\n'),
  );
  return startByHand([file, '--sentinel'], {
    port,
    login: ['--no-auth-warning', '-a', SENTINEL_PASSWORD],
  });
}
