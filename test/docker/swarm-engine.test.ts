import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { foundation, measuredServices } from '../../src/engines/deployment.ts';
import type { Engine, Task } from '../../src/engines/engine.ts';
import { labelsOf } from '../../src/engines/swarm/labels.ts';
import { markOfStack } from '../../src/engines/swarm/remove.ts';
import { openSwarm } from '../../src/engines/swarm/swarm.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { BIN, testFolder } from '../support/cli.ts';
import { imageVariables } from '../support/docker.ts';
import { BED_IMAGE, type Bed, bedLack, onBed, startBed } from '../support/swarm/bed.ts';

const PLAN = parseScenario(
  `# one region\n${JSON.stringify({
    topology: { regions: ['us-east'], replicas: 1 },
    load: { duration: '10s' },
    claims: ['total-excess <= bound'],
  })}`,
  { file: 'one.yaml' },
);
const SOON = { timeout: 40_000, interval: 200 };
const byName = (service: string) => service;

let bed: Bed;
let stacks = 0;

const docker = (...args: string[]) => bed.machines[0].docker(args);

/** What the swarm has of any stack. */
async function leftInSwarm(): Promise<string> {
  const ours = ['--quiet', '--filter', 'label=openclaw-rl.stack'];
  const kinds = ['service', 'network', 'config', 'secret'].map((kind) => docker(kind, 'ls', ...ours));
  return [...(await Promise.all(kinds)), await docker('ps', ...ours)].join('');
}

async function openEngine(image = BED_IMAGE): Promise<{ name: string; engine: Engine }> {
  stacks += 1;
  const name = `openclaw-0000000${stacks}`;
  const { signal } = new AbortController();
  const options = { name, regions: ['us-east'], containers: 10, env: { OPENCLAW_RL_IMAGE: image }, signal };
  const engine = await openSwarm({ ...options, onProgress: () => {} });
  onTestFinished(() => engine.remove(), 60_000);
  return { name, engine };
}

async function untilTasks(engine: Engine, want: Readonly<Record<string, Partial<Task>>>): Promise<void> {
  await vi.waitFor(async () => {
    const tasks = await engine.tasks();
    expect(Object.fromEntries(tasks.map((task) => [task.service, task]))).toMatchObject(want);
  }, SOON);
}

const ticketFolder = () => join(bed.folder, 'tickets');

/** The next starts of containers fail, as they do while a mount of theirs is busy. */
function refuseStarts(count: number): void {
  for (let at = 0; at < count; at++) writeFileSync(join(ticketFolder(), `${at}`), '');
}

/** Of runc, in its machine-readable log: what it could not do. */
const BUSY = '{"level":"error","msg":"mount: device or resource busy"}';

/** Puts a program before runc that fails as long as there are tickets. */
async function letRuntimeBeBusy(): Promise<void> {
  const [runc, before] = [join(bed.folder, 'runc'), join(bed.folder, 'busy-runc')];
  mkdirSync(ticketFolder());
  onTestFinished(() => rmSync(ticketFolder(), { recursive: true })); // runc alone then
  const program = `#!/bin/sh
for word; do
  [ "$last" != --log ] || log=$word
  last=$word
  [ "$word" = create ] || continue
  for ticket in ${ticketFolder()}/*; do
    rm "$ticket" 2>/dev/null || continue
    echo '${BUSY}' >"$log"
    exit 1
  done
done
exec ${runc} "$@"
`;
  writeFileSync(before, program, { mode: 0o755 });
  const mount = `path=$(command -v runc); cp "$path" ${runc}; mount --bind ${before} "$path"`;
  await promisify(execFile)('nsenter', ['--mount', '--target', `${bed.machines[0].pid}`, 'sh', '-ec', mount]);
}

describe.skipIf(bedLack !== undefined)(`a stack ${onBed}`, { timeout: 120_000 }, () => {
  beforeAll(() => void imageVariables(), 360_000); // a new machine makes its images first: no part of what is tested
  beforeAll(async () => {
    bed = await startBed({ machines: ['us-east:0:0'] });
    vi.stubEnv('DOCKER_HOST', `unix://${bed.folder}/machines/us-east/docker.sock`);
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await bed?.stop();
  }, 60_000);

  it('is deployed in two steps, listens in its own network only, and is removed whole', async () => {
    const { name, engine } = await openEngine();
    const nodes = foundation(PLAN, { name, host: byName });
    const secrets = { OPENCLAW_RL_TOKEN: 'secret $HOME', REDIS_PASSWORD: '' };
    await engine.deploy({ deployment: nodes, secrets });
    const running: Partial<Task> = { state: 'running', machine: 'us-east' };
    const formed: Record<string, Partial<Task>> = {
      'redis-us-east-0': running,
      'redis-us-east-1': running,
      form: { state: 'done' },
    };
    await untilTasks(engine, formed);
    const { services, files } = measuredServices(PLAN, {
      ...{ name, prefix: 'rate:it', clockUrl: 'http://198.19.0.11:7070', run: 'it', host: byName },
      ...{ startAt: new Date(0).toISOString(), files: {} },
    });
    await engine.deploy({
      deployment: { name, services: [...nodes.services, ...services], files: { ...nodes.files, ...files } },
      secrets,
    });
    await untilTasks(engine, {
      ...formed, // these stay as they are
      ...{ 'rating-us-east-1': running, 'gateway-us-east': running, 'load-us-east': { state: 'failed' } },
    });
    expect(await engine.log('gateway-us-east')).toContain('listening on');
    const [container = ''] = (
      await docker('ps', '--quiet', '--filter', `name=${name}_redis-us-east-0`)
    ).split('\n');
    const bound = await docker(
      'exec',
      container,
      'redis-cli',
      '-h',
      'redis-us-east-0',
      'config',
      'get',
      'bind',
    );
    expect(bound).toContain('redis-us-east-0');
    await expect(docker('exec', container, 'redis-cli', '-h', '127.0.0.1', 'ping')).rejects.toThrow(
      'refused',
    );
    const stack = await docker('service', 'inspect', `${name}_load-us-east`);
    expect(stack).not.toContain(secrets.OPENCLAW_RL_TOKEN);
    await engine.remove();
    expect(await leftInSwarm()).toBe('');
  });

  it('says of a task how it ended, and of an image that a machine lacks how it gets it', async () => {
    await docker('tag', BED_IMAGE, 'openclaw-rl:gone');
    const { name, engine } = await openEngine('openclaw-rl:gone');
    const redis = foundation(PLAN, { name, host: byName }).services.slice(0, 1);
    await engine.deploy({ deployment: { name, services: redis, files: {} }, secrets: {} });
    await untilTasks(engine, { 'redis-us-east-0': { state: 'running' } });
    await docker('kill', await docker('ps', '--quiet', '--filter', `name=${name}_redis-us-east-0`));
    await untilTasks(engine, { 'redis-us-east-0': { state: 'failed', exitCode: 137, machine: 'us-east' } });
    await docker('rmi', 'openclaw-rl:gone');
    const more = redis.map((service) => ({ ...service, name: 'redis-us-east-7' }));
    await engine.deploy({ deployment: { name, services: more, files: {} }, secrets: {} });
    const why = 'docker save openclaw-rl:gone | ssh us-east docker load';
    await untilTasks(engine, { 'redis-us-east-7': { state: 'failed', why: expect.stringContaining(why) } });
  });

  it('starts again what could not start because a mount was busy, twice at most', async () => {
    await letRuntimeBeBusy();
    const { name, engine } = await openEngine();
    const [redis] = foundation(PLAN, { name, host: byName }).services;
    if (redis === undefined) throw new Error('no service');
    const all = [redis, { ...redis, name: 'form', isJob: true, command: ['true'] }];
    const services = [];
    for (const [at, service] of all.entries()) {
      refuseStarts(2);
      services.push(service);
      await engine.deploy({ deployment: { name, services, files: {} }, secrets: {} });
      const want: Partial<Task> = { state: at === 0 ? 'running' : 'done' };
      await untilTasks(engine, { [service.name]: want });
      expect(readdirSync(ticketFolder())).toEqual([]);
    }
    refuseStarts(4);
    services.push({ ...redis, name: 'redis-us-east-7' });
    await engine.deploy({ deployment: { name, services, files: {} }, secrets: {} });
    const why = expect.stringContaining('device or resource busy');
    await untilTasks(engine, {
      [redis.name]: { state: 'running' },
      'redis-us-east-7': { state: 'failed', why },
    });
    expect(readdirSync(ticketFolder())).toHaveLength(1);
  });

  it('of a killed program is removed by down --all, with the client that still deploys it', async () => {
    const name = 'openclaw-dead';
    const manager = await docker('info', '--format', '{{.Swarm.NodeID}}');
    const labels = Object.entries(labelsOf({ name, owner: '1:7:', manager })).flatMap(([label, value]) => [
      ...['--label', `${label}=${value}`],
    ]);
    const namespace = ['--label', `com.docker.stack.namespace=${name}`];
    await docker('network', 'create', '--driver', 'overlay', ...labels, ...namespace, `${name}_default`);
    await docker('config', 'create', ...labels, ...namespace, `${name}_file`, '/etc/hostname');
    const service = ['--name', `${name}_redis`, '--network', `${name}_default`, '--endpoint-mode', 'dnsrr'];
    await docker(
      ...['service', 'create', '--detach', ...service, ...labels, ...namespace, BED_IMAGE, 'sleep', '99'],
    );
    const client = spawn('sleep', ['600'], { env: { ...process.env, ...markOfStack(name) } });
    const ended = once(client, 'exit');
    const down = bed.machines[0].start(BIN, ['down', '--all'], { cwd: testFolder() });
    expect([await down.ended, down.output.stderr]).toEqual([0, `run ${name} is removed\n`]);
    await ended;
    expect(await leftInSwarm()).toBe('');
  });
});
