import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { attachCluster, endUnknown, sweepClusters } from '../../src/regions/clusters.ts';
import { docker, hintFor, isDockerAbsent } from '../../src/regions/docker/docker.ts';
import { type DockerFacts, diagnoseDocker } from '../../src/regions/docker/doctor.ts';
import { chooseImages, OFFICIAL_IMAGES, provideOwnImage } from '../../src/regions/docker/images.ts';
import { endContainers } from '../../src/regions/docker/provider.ts';
import { parseBindings, publishedAt } from '../../src/regions/docker/published.ts';
import { placeContainers } from '../../src/regions/docker/service-place.ts';
import { checkSubnet, chooseSubnet, onSubnet } from '../../src/regions/docker/subnet.ts';
import { isReady } from '../../src/regions/local/doctor.ts';
import { fateOf, ownerText, parseOwner, thisProgram } from '../../src/regions/processes/owner.ts';
import type { ClusterState } from '../../src/regions/store/cluster-state.ts';
import { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { runCli, testFolder } from '../support/cli.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A folder with a program called docker in it, a shell script: for what no engine does on demand. */
function withDockerThat(script: string): { PATH: string; folder: string } {
  const folder = testFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: [bin, process.env.PATH].join(delimiter), folder };
}

describe('a subnet', () => {
  const drawn = chooseSubnet('a start', []);

  it('is drawn from the start', () => {
    expect(drawn).toMatch(/^198\.1[89]\.\d+\.0\/24$/);
    expect(chooseSubnet('a start', ['10.0.0.0/8', '172.17.0.0/16'])).toBe(drawn);
  });

  it.each([
    { title: 'the same', bits: 24 },
    { title: 'one around it', bits: 23 },
    { title: 'a whole /16', bits: 16 },
    { title: 'one within it', bits: 28 },
  ])('avoids a network that has $title', ({ bits }) => {
    const other = chooseSubnet('a start', [`${drawn.split('/')[0]}/${bits}`]);
    expect(other).not.toBe(drawn);
    if (bits === 16) expect(other.split('.')[1]).not.toBe(drawn.split('.')[1]);
  });

  it('is an error if all of 198.18.0.0/15 is taken', () => {
    expect(() => chooseSubnet('a start', ['198.0.0.0/8'])).toThrow(/OPENCLAW|every \/24/);
  });
});

describe('published ports', () => {
  it('are read from Docker, without ports that are only exposed', () => {
    const json = '{"6379/tcp":[{"HostIp":"127.0.0.1","HostPort":"32768"}],"26379/tcp":null}';
    expect(parseBindings('a', json)).toEqual({ 6379: 32_768 });
  });

  it.each(['{"6379/tcp":[]}', '{"6379/tcp":[{"HostPort":"0"}]}', '{"6379/tcp":[{"HostPort":""}]}'])(
    'are an error if absent: %s',
    (json) => {
      expect(() => parseBindings('a', json)).toThrow('Docker has not published port 6379/tcp of region a');
    },
  );

  it('are an error if unknown', () => {
    expect(() => publishedAt({ a: { 1: 2 } }, 'a', 8_474)).toThrow('port 8474 of region a');
    expect(publishedAt({ a: { 8474: 2 } }, 'a', 8_474).port).toBe(2);
  });
});

describe('diagnoseDocker', () => {
  const SOUND: DockerFacts = {
    engine: { version: '26.1.5' },
    compose: { version: 'v2.26.1-4' },
    images: [{ name: 'redis:8', isHere: true }],
  };

  it.each<{ title: string; facts: Partial<DockerFacts>; marks: string[] }>([
    { title: 'all there', facts: {}, marks: ['ok', 'ok', 'ok'] },
    { title: 'an old engine', facts: { engine: { version: '19.03.1' } }, marks: ['missing', 'ok', 'ok'] },
    { title: 'Compose 1', facts: { compose: { version: '1.29.2' } }, marks: ['ok', 'missing', 'ok'] },
    {
      title: 'an image that was not asked for yet',
      facts: { images: [{ name: 'redis:8', isHere: false }] },
      marks: ['ok', 'ok', 'note'],
    },
    {
      title: 'an image that cannot be had',
      facts: { images: [{ name: 'redis:8', isHere: false, error: new Error('no such host') }] },
      marks: ['ok', 'ok', 'missing'],
    },
    {
      title: 'no docker at all, said once',
      facts: {
        engine: { lack: 'docker was not found', mend: '' },
        compose: { lack: 'docker was not found', mend: '' },
        images: [],
      },
      marks: ['missing'],
    },
  ])('finds $title', ({ facts, marks }) => {
    const checks = diagnoseDocker({ ...SOUND, ...facts });
    expect(checks.map(({ mark }) => mark)).toEqual(marks);
    expect(isReady(checks)).toBe(!marks.includes('missing'));
  });
});

describe('hintFor', () => {
  it.each([
    ['permission denied while trying to connect to the Docker daemon socket at unix:///', /usermod/],
    ['Cannot connect to the Docker daemon at unix:///var/run/docker.sock.', /systemctl start docker/],
    ['invalid pool request: Pool overlaps with other one on this address space', /OPENCLAW_RL_SUBNET/],
    ["docker: 'compose' is not a docker command.", /Compose plugin, version 2 or later/],
    ['lookup registry-1.docker.io on 10.0.0.1:53: no such host', /OPENCLAW_REDIS_IMAGE/],
  ])('knows what to do about: %s', (text, hint) => {
    expect(hintFor(text)).toMatch(hint);
  });
});

describe('chooseImages', () => {
  it('takes the official images unless others are set', () => {
    expect(chooseImages({})).toEqual(OFFICIAL_IMAGES);
    expect(chooseImages({ OPENCLAW_REDIS_IMAGE: 'valkey/valkey:8', OPENCLAW_RL_IMAGE: '' })).toEqual({
      ...OFFICIAL_IMAGES,
      redis: 'valkey/valkey:8',
    });
    const pinned = `ghcr.io/shopify/toxiproxy@sha256:${'0a'.repeat(32)}`;
    expect(chooseImages({ OPENCLAW_TOXIPROXY_IMAGE: pinned }).toxiproxy).toBe(pinned);
  });

  it.each(['$(touch x)', 'UPPER', '-v', 'a b'])('refuses %s, and names the variable', (image) => {
    expect(() => chooseImages({ OPENCLAW_REDIS_IMAGE: image })).toThrow(
      /^OPENCLAW_REDIS_IMAGE must name an image/,
    );
  });
});

describe('checkSubnet', () => {
  it.each(['198.19.7.0/24', '10.0.0.0/8'])('takes %s', (subnet) => expect(checkSubnet(subnet)).toBe(subnet));
  it.each(['foo', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/29', '10.0.0.256/24', '::/64'])(
    'refuses %s, and names the variable',
    (subnet) => expect(() => checkSubnet(subnet)).toThrow(/^OPENCLAW_RL_SUBNET must be/),
  );
});

describe('an owner', () => {
  it('is alive after a round trip through its text; an earlier owner of its pid is not', () => {
    const owner = thisProgram();
    expect([parseOwner(ownerText(owner)), parseOwner('another')]).toEqual([owner, undefined]);
    expect([fateOf(owner), fateOf({ ...owner, startedAt: '1' })]).toEqual(['runs', 'ended']);
  });
});

describe('a call of docker', () => {
  it('has its own session, so that a Ctrl-C of the terminal does not reach it', async () => {
    vi.stubEnv('PATH', withDockerThat('exec ps -o sid= -p $$').PATH);
    expect(Number(await docker([]))).not.toBe(Number(readSession()));
  });

  it('ends on its signal, with its children', async () => {
    const { PATH, folder } = withDockerThat('sleep 60 & echo $! >"$1"; wait');
    vi.stubEnv('PATH', PATH);
    const stop = new AbortController();
    const file = join(folder, 'pid');
    const call = docker([file], { signal: stop.signal });
    const pid = await vi.waitUntil(() => Number(readText(file)) || undefined, { timeout: 10_000 });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await vi.waitUntil(() => readText(`/proc/${pid}/stat`).replace(/.*\) [ZX].*/s, '') === '', {
      timeout: 10_000,
    });
  });

  it('ends at its timeout', async () => {
    vi.stubEnv('PATH', withDockerThat('exec sleep 60').PATH);
    await expect(docker(['ps'], { timeoutMs: 100 })).rejects.toThrow('docker ps took longer than 0.1 s');
  });

  it('distinguishes a missing docker from a failing one', async () => {
    vi.stubEnv('PATH', withDockerThat('echo no >&2; exit 1').PATH);
    const failed = await docker(['ps']).catch((error: unknown) => error);
    vi.stubEnv('PATH', testFolder());
    const absent = await docker(['ps']).catch((error: unknown) => error);
    expect([failed, absent].map(isDockerAbsent)).toEqual([false, true]);
    expect([failed, absent].every((error) => error instanceof OpenclawError)).toBe(true);
  });
});

/** A docker that writes down what it is called with, a line each, and then does what the script says. */
function withDockerThatNotes(script = ':') {
  const { PATH, folder } = withDockerThat(`echo "$*" >>"$(dirname "$0")/calls"\n${script}`);
  vi.stubEnv('PATH', PATH);
  const store = new ClusterStore(folder);
  return { store, calls: () => readText(join(folder, 'bin/calls')).trim().split('\n') };
}

const STATE: ClusterState = {
  version: 1,
  name: 'test',
  startId: 'known',
  provider: 'docker',
  createdAt: '',
  phase: 'up',
  topology: planTopology(DEFAULT_TOPOLOGY),
  provision: { project: 'test', images: { redis: 'r', toxiproxy: 't' }, ports: {} },
};

describe('of a cluster of containers', () => {
  it('the logs are copied, without those of services', async () => {
    const script =
      'case "$1" in ps) printf "%s\\trunning\\t%s\\t%s\\n" 1234567890 a-0 "" 2234567890 toxiproxy "" 3234567890 rating 7:8 ;; logs) echo "log of $2"; echo error >&2 ;; esac';
    const { store } = withDockerThatNotes(script);
    const logs = testFolder();
    const ports = Object.fromEntries(STATE.topology.regions.map((region) => [region, { 8474: 1 }]));
    const state = { ...STATE, provision: { ...STATE.provision, ports } };
    await attachCluster(store, state).keepLogs?.(logs);
    expect(readdirSync(logs).sort()).toEqual(['a-0-12345678.log', 'toxiproxy-22345678.log']);
    expect(readText(join(logs, 'a-0-12345678.log'))).toBe('log of 1234567890\nerror\n');
  });

  it('containers without a state file are removed by their start id', async () => {
    const script =
      'case "$*" in "ps --all"*start\\"}}) printf "%s\\t%s\\n" "$FOLDER" old "$FOLDER" known ;; esac';
    const { store, calls } = withDockerThatNotes(script);
    vi.stubEnv('FOLDER', store.folderOf('test'));
    await store.create(STATE);
    await endUnknown(store, 'test');
    const removing = calls().filter((call) => call.includes('label=openclaw-rl.start='));
    expect(removing.length).toBeGreaterThan(0);
    expect(removing.filter((call) => !call.includes('openclaw-rl.start=old'))).toEqual([]);
    expect(await store.read('test')).toMatchObject({ startId: 'known' });
  });

  it('the state is `ending`, with its owner, before any container ends', async () => {
    const { store } = withDockerThatNotes();
    const file = join(store.folderOf('test'), 'state.json');
    const seen = join(testFolder(), 'seen');
    vi.stubEnv('PATH', withDockerThat(`[ -f "${seen}" ] || cp "${file}" "${seen}"`).PATH);
    await store.create(STATE);
    expect(await endContainers(store, STATE)).toBe(true);
    expect(JSON.parse(readText(seen))).toMatchObject({ phase: 'ending', owner: { pid: process.pid } });
    expect(await store.read('test')).toBeUndefined();
  });

  it('leftovers are kept while the engine hangs, and reported once', async () => {
    const { store, calls } = withDockerThatNotes('exec sleep 60');
    const owner = { pid: process.pid, startedAt: '1' };
    for (const name of ['one', 'two']) await store.create({ ...STATE, name, owner });
    const { ended, unknown } = await sweepClusters(store, { unknownContainers: false });
    expect(ended).toEqual([]);
    expect(unknown.map(({ name }) => name).sort()).toEqual(['one', 'two']);
    expect(calls()).toHaveLength(1);
  });
});

describe('our own image', () => {
  const ports = { a: { 8080: 1 } };
  const owner = { cluster: '/nowhere', startId: 'none' };

  it('is built once for all services of a run, which use its id', async () => {
    const { calls } = withDockerThatNotes('if [ "$1" = build ]; then echo sha256:abc; fi');
    const place = placeContainers({ owner, project: 'p', images: OFFICIAL_IMAGES, ports });
    const { signal } = new AbortController();
    const places = await Promise.all([place('a', 'rating', signal), place('a', 'gateway', signal)]);
    expect(places.map(({ node }) => node.at(-1))).toEqual(['sha256:abc', 'sha256:abc']);
    expect(calls().filter((call) => call.startsWith('build'))).toHaveLength(1);
  });

  it('has a container and a port for each service of a region', async () => {
    withDockerThatNotes('if [ "$1" = build ]; then echo sha256:abc; fi');
    const place = placeContainers({ owner, project: 'p', images: OFFICIAL_IMAGES, ports });
    const { signal } = new AbortController();
    const places = await Promise.all([1, 2, 20].map((instance) => place('a', 'rating', signal, instance)));
    const names = places.map(({ node }) => node[node.indexOf('--name') + 1]);
    expect(names).toEqual(['p-rating-a', 'p-rating-a-2', 'p-rating-a-20']);
    expect(places.map(({ listen, reached }) => [listen.port, reached])).toEqual([
      [8090, undefined],
      [8091, undefined],
      [8109, undefined],
    ]);
  });

  it('is pulled if it is set and not on this machine', async () => {
    const { calls } = withDockerThatNotes('[ "$1" = pull ]');
    expect(await provideOwnImage({ ...OFFICIAL_IMAGES, own: 'mine:1' })).toBe('mine:1');
    expect(calls().at(-1)).toBe('pull --quiet mine:1');
  });

  it('is not built for a run that was interrupted', async () => {
    const { calls } = withDockerThatNotes();
    const provided = provideOwnImage(OFFICIAL_IMAGES, AbortSignal.abort());
    await expect(provided).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(calls()).toEqual(['']);
  });
});

describe('a subnet that Docker refuses', () => {
  const overlap = new OpenclawError(
    'ENVIRONMENT_FAILED',
    'Error response from daemon: Pool overlaps with other one',
  );

  it('is replaced by another, unless the user has set it', async () => {
    withDockerThatNotes();
    const tried: string[] = [];
    const act = async (subnet: string) => {
      tried.push(subnet);
      if (tried.length < 3) throw overlap;
    };
    await onSubnet({ startId: 'a start' }, act);
    expect([tried.length, new Set(tried).size]).toEqual([3, 3]);
    tried.length = 0;
    await expect(onSubnet({ startId: 'a start', named: '10.9.0.0/24' }, act)).rejects.toBe(overlap);
    expect(tried).toEqual(['10.9.0.0/24']);
  });

  it('is not drawn while the networks of the engine cannot be read', async () => {
    withDockerThatNotes('if [ "$2" = ls ]; then echo net; else echo "bad day" >&2; exit 1; fi');
    await expect(onSubnet({ startId: 'a start' }, async () => {})).rejects.toThrow('bad day');
  });
});

describe('down', { timeout: 60_000 }, () => {
  const DEAD = 'echo "Cannot connect to the Docker daemon at unix:///x" >&2; exit 1';

  it('fails if the containers of a cluster without a state cannot be listed', async () => {
    const { PATH, folder } = withDockerThat(DEAD);
    mkdirSync(join(folder, 'state/clusters/default'), { recursive: true });
    const { code, stderr } = await runCli(['down'], { cwd: folder, env: { PATH } });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(/Cannot connect[\s\S]*systemctl start docker/),
    ]);
  });

  it('says only that no cluster of that name exists', async () => {
    const { PATH, folder } = withDockerThat(DEAD);
    const { code, stderr } = await runCli(['down'], { cwd: folder, env: { PATH } });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/no cluster called default.*Cannot connect/)]);
  });
});

describe('a system that is not Linux', { timeout: 60_000 }, () => {
  it.each(['docker', 'local'])('has no regions: --provider %s', async (provider) => {
    const other = 'data:text/javascript,Object.defineProperty(process,`platform`,{value:`darwin`})';
    const env = { NODE_OPTIONS: `--import=${other}` };
    const { code, stderr } = await runCli(['up', '--provider', provider], { cwd: testFolder(), env });
    expect([code, stderr]).toEqual([69, expect.stringMatching(/regions need Linux; this is darwin/)]);
  });
});

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Of this process: field 6 of its stat. */
function readSession(): string {
  const stat = readText('/proc/self/stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3] ?? '';
}
