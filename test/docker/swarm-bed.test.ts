import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startProgram } from '../support/cli.ts';
import {
  BED,
  BED_IMAGE,
  type Bed,
  type BedMachine,
  bedLack,
  leftOf,
  onBed,
  pidNamespaceOf,
  readFolder,
  startBed,
} from '../support/swarm/bed.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];

/** Answers with its argument. */
const SERVICE = `require('http').createServer((_, reply) => reply.end(process.argv[1])).listen(8080)`;

/** Prints what a URL answers, or `nothing`. */
const ASK = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((reply) => reply.text()).catch(() => 'nothing').then((text) => { console.log(text); process.exit(); })`;

/** Monotonic clock less wall clock, in milliseconds. The wall clock is the same everywhere. */
const CLOCK = 'console.log(Number(process.hrtime.bigint()) / 1e6 - Date.now())';

let bed: Bed;

describe.skipIf(bedLack !== undefined)(onBed, { timeout: 400_000 }, () => {
  beforeAll(async () => {
    bed = await startBed();
    const [manager] = bed.machines;
    await manager.docker(['network', 'create', '--driver', 'overlay', 'net']);
    for (const region of REGIONS) await create(region, region, ['node', '-e', SERVICE, `from ${region}`]);
  }, 300_000);
  afterAll(() => bed?.stop());

  it('a service is on the machine of its label, and reached by its name', async () => {
    const format = ['--format', '{{.Name}} {{.Node}}'];
    const expected = REGIONS.map((region) => `${region}.1 ${region}`).sort();
    await vi.waitFor(async () => {
      const placed = await bed.machines[0].docker(['service', 'ps', ...REGIONS, ...format]);
      expect(placed.split('\n').sort()).toEqual(expected);
    }, SOON);
    for (const { name } of bed.machines) await untilReached(name);
  });

  it('the exit code of a job is known to the manager', async () => {
    await create('job', 'ap-south', ['sh', '-c', 'exit 7'], ['--mode', 'replicated-job']);
    const ps = ['service', 'ps', 'job', '--no-trunc', '--format', '{{.CurrentState}} {{.Error}}'];
    await vi.waitFor(
      async () => expect(await bed.machines[0].docker(ps)).toMatch(/^Failed .* exit \(7\)/),
      SOON,
    );
  });

  it('a machine has a clock of its own, under which Redis runs', async () => {
    for (const { name, aheadS, driftPpm } of bed.machines) {
      const [clock, here] = [
        await inside(name, ['node', '-e', CLOCK]),
        execFileSync(process.execPath, ['-e', CLOCK], { encoding: 'utf8' }),
      ].map(Number);
      const differs = ((clock ?? Number.NaN) - (here ?? Number.NaN)) / 1_000 - aheadS;
      // It has drifted for 1,000 s at its start.
      const [least = 0, most = 0] = [1_000, 1_300].map((s) => (s * driftPpm) / 1e6).sort((a, b) => a - b);
      expect(differs, name).toBeGreaterThan(least - 0.05);
      expect(differs, name).toBeLessThan(most + 0.05);
      const redis = ['redis-server', '--port', '7000', '--save', '', '--daemonize', 'yes'];
      await inside(name, redis);
      await vi.waitFor(
        async () => expect(await inside(name, ['redis-cli', '-p', '7000', 'ping'])).toBe('PONG'),
        SOON,
      );
    }
  });

  it('a pulled data wire stops what goes between machines, and nothing within one', async () => {
    bed.pull('eu-west', 'data');
    try {
      const answers = await Promise.all(REGIONS.map((region) => ask('eu-west', region)));
      expect(answers).toEqual(['nothing', 'from eu-west', 'nothing']);
      expect(await ask('us-east', 'ap-south')).toBe('from ap-south');
    } finally {
      bed.plug('eu-west', 'data');
    }
    await untilReached('eu-west');
  });

  it('a pulled control wire stops what goes to the manager', async () => {
    const [manager] = bed.machines;
    manager.start(process.execPath, ['-e', SERVICE, 'from the manager']);
    const askManager = (name: string) => ask(name, manager.hosts.control);
    await vi.waitFor(async () => expect(await askManager('eu-west')).toBe('from the manager'), SOON);
    bed.pull('eu-west', 'control');
    try {
      expect(await askManager('eu-west')).toBe('nothing');
      await vi.waitFor(async () => expect(await askManager('ap-south')).toBe('from the manager'), SOON);
    } finally {
      bed.plug('eu-west', 'control');
    }
    await vi.waitFor(async () => expect(await askManager('eu-west')).toBe('from the manager'), SOON);
    await untilReached('eu-west', GOSSIPED);
  });

  it('nothing is left after its end', async () => {
    const namespaces = bed.machines.map(({ pid }) => pidNamespaceOf(pid));
    expect(leftOf(bed.folder, namespaces).length).toBeGreaterThan(20);
    await bed.stop();
    expect(leftOf(bed.folder, namespaces)).toEqual([]);
  });
});

describe.skipIf(bedLack !== undefined)(`${onBed}: SIGKILL`, { timeout: 60_000 }, () => {
  const START = `const [bed, ...args] = process.argv.slice(1);
const child = require('child_process').spawn(bed, args, { stdio: ['pipe', 'inherit', 'inherit'] });
console.log('pid ' + child.pid);`;

  it.each(['of the program that started them', 'of bed'])('%s leaves nothing', async (victim) => {
    const { child, output } = startProgram(process.execPath, ['-e', START, BED, 'alone:3:1'], {});
    await vi.waitUntil(() => output.stdout.includes('./pull'), { timeout: 30_000 });
    const folder = readFolder(output.stdout);
    const namespaces = [pidNamespaceOf(readFileSync(join(folder, 'machines/alone/pid'), 'utf8').trim())];
    expect(leftOf(folder, namespaces).length).toBeGreaterThan(3); // its folder, sh, dockerd, containerd
    const pidOfBed = Number(/^pid (\d+)$/m.exec(output.stdout)?.[1]);
    process.kill(victim === 'of bed' ? pidOfBed : (child.pid ?? 0), 'SIGKILL');
    await vi.waitFor(() => expect(leftOf(folder, namespaces)).toEqual([]), SOON);
  });
});

const SOON = { timeout: 30_000, interval: 100 };
/** Machines that lost each other on the control wire try once a minute to learn each other's services again. */
const GOSSIPED = { timeout: 150_000, interval: 500 };

/** A service of the region, or a job of it. */
async function create(
  name: string,
  region: string,
  command: readonly string[],
  more: readonly string[] = [],
) {
  const [entrypoint = '', ...args] = command;
  const place = ['--constraint', `node.labels.openclaw.region==${region}`, '--no-resolve-image', '--detach'];
  const net = ['--network', 'net', '--endpoint-mode', 'dnsrr', '--restart-condition', 'none'];
  const words = ['--name', name, ...place, ...net, ...more, '--entrypoint', entrypoint, BED_IMAGE, ...args];
  await bed.machines[0].docker(['service', 'create', '--quiet', ...words]);
}

/** Runs a program to its end in the container of the region; gives what it printed. */
async function inside(region: string, command: readonly string[]): Promise<string> {
  const machine: BedMachine = bed.machine(region);
  const ps = ['ps', '--quiet', '--filter', `name=^${region}\\.1\\.`];
  const container = await vi.waitUntil(() => machine.docker(ps), SOON);
  return machine.docker(['exec', container, ...command]);
}

const ask = (from: string, host: string) => inside(from, ['node', '-e', ASK, `http://${host}:8080`]);

/** Until a region has an answer of each. */
async function untilReached(from: string, within = SOON): Promise<void> {
  for (const region of REGIONS) {
    await vi.waitFor(async () => expect(await ask(from, region)).toBe(`from ${region}`), within);
  }
}
