import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { callCli } from '../support/call-cli.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';
import { startCli } from '../support/cli.ts';
import { startTestCluster } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { inspectJson, testFolderOfSuite } from '../support/inspect.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';
import { packBucket } from '../support/stored-bucket.ts';

const ADA = { user: 'ada', endpoint: 'ratings' };
const KEY = 'rate:openclaw:ada:ratings';

const limiters: Limiter[] = [];
afterEach(async () => {
  for (const limiter of limiters.splice(0)) await limiter.close();
});

function limit(
  node: TestServer,
  policy: string,
  more: Partial<Pick<LimiterOptions, 'prefix' | 'strategy' | 'redis'>> = {},
) {
  const redis = { urls: [node.url], commandTimeoutMs: 10_000 };
  const limiter = createLimiter({ policy, redis, ...more } as LimiterOptions);
  limiters.push(limiter);
  return limiter;
}

async function takeTimes(limiter: Limiter, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect(await limiter.take(ADA)).toMatchObject({ allowed: true });
}

/** What a key is, byte for byte, and when it expires. */
async function fingerprint({ client }: TestServer, key = KEY): Promise<unknown> {
  return [(await client.dumpBuffer(key))?.toString('hex'), await client.call('PEXPIRETIME', key)];
}

/** Waits until a replica has all that was written, by whichever connection. */
async function replicated(primary: TestServer, replica: TestServer): Promise<void> {
  const offset = async ({ client }: TestServer, name: string) =>
    new RegExp(`^${name}_repl_offset:(\\d+)`, 'm').exec(await client.info('replication'))?.[1];
  const want = Number(await offset(primary, 'master'));
  await vi.waitUntil(async () => Number(await offset(replica, 'slave')) >= want, { timeout: 10_000 });
}

/** What replication, and the test itself, send besides. */
const NOT_OURS = /^(replconf|ping|psync|config|dump|pexpiretime|select|cluster\|info)/;
const READS = ['cluster|shards', 'cluster|slots', 'get', 'hmget', 'info', 'pttl', 'readonly', 'role', 'time'];

async function commandsSent({ client }: TestServer): Promise<string[]> {
  const stats = await client.info('commandstats');
  return [...stats.matchAll(/^cmdstat_([^:]+):/gm)]
    .map(([, name = '']) => name)
    .filter((n) => !NOT_OURS.test(n));
}

describe.each(SERVERS)('inspect on a standalone %s with a replica', (command) => {
  let server: TestServer;
  let replica: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command, ['--repl-diskless-sync-delay', '0']);
    replica = await startTestServer(command, ['--replicaof', `127.0.0.1 ${server.port}`]);
    await vi.waitUntil(
      async () => (await replica.client.info('replication')).includes('master_link_status:up'),
      {
        timeout: 15_000,
      },
    );
  });
  afterEach(async () => {
    await server.client.flushall();
    await replicated(server, replica);
  });
  afterAll(() => Promise.all([server.stop(), replica.stop()]));

  const look = (...more: string[]) => inspectJson(['ada', '--cluster', server.url, ...more]);

  it('sends reads alone, and leaves the key and its expiry as they are', async () => {
    await takeTimes(limit(server, '20:1/d'), 7);
    await replicated(server, replica);
    const before = [await fingerprint(server), await fingerprint(replica)];
    for (const { client } of [server, replica]) await client.config('RESETSTAT');
    const inspected = await look('--policy', '20:1/d');
    for (const node of [server, replica])
      for (const name of await commandsSent(node)) expect(READS).toContain(name);
    expect(await commandsSent(server)).toContain('hmget');
    expect([await fingerprint(server), await fingerprint(replica)]).toEqual(before);
    expect(before[0]).not.toEqual([undefined, -2]);
    expect(inspected).not.toHaveProperty('slot');
    expect(inspected).toMatchObject({
      key: KEY,
      policy: { text: '20:1/d', from: 'option' },
      prefix: { text: 'rate:openclaw', from: 'default' },
      primary: { address: `127.0.0.1:${server.port}` },
      copies: [
        { role: 'primary', stored: { type: 'bucket' } },
        {
          role: 'replica',
          address: `127.0.0.1:${replica.port}`,
          isLinked: true,
          lagBytes: expect.any(Number),
        },
      ],
      takes: [{ answer: 'allowed', remainingTokens: 12, roundTripMs: expect.any(Number) }],
      notes: [],
    });
    expect(inspected.copies[1]?.stored).toEqual(inspected.copies[0]?.stored);
  });

  it('has the level of the limiter between two peeks, to the quantum', async () => {
    const limiter = limit(server, '20:5/s');
    await takeTimes(limiter, 20);
    const before = await limiter.peek(ADA);
    const { copies } = await look('--policy', '20:5/s');
    const after = await limiter.peek(ADA);
    const now = copies[0]?.now;
    expect(now?.levelQuanta).toBe(
      Math.min(before.levelQuanta + ((copies[0]?.clockUs ?? 0) - before.atUs), 4_000_000),
    );
    expect(now?.levelQuanta).toBeLessThanOrEqual(after.levelQuanta);
  });

  it('answers what the limiter then answers: denied, with the same wait', async () => {
    const limiter = limit(server, '2:1/d');
    await takeTimes(limiter, 2);
    const [take] = (await look('--policy', '2:1/d')).takes;
    const decision = await limiter.take(ADA);
    expect(decision.allowed).toBe(false);
    expect(take).toMatchObject({ answer: 'denied' });
    const waited = (take as { retryAfterUs: number }).retryAfterUs - (decision.retryAfterUs ?? 0);
    expect(waited).toBeGreaterThanOrEqual(0);
    expect(waited).toBeLessThan(5_000_000); // the time between the two
  });

  it('finds the primary when it is given a replica', async () => {
    await takeTimes(limit(server, '2:1/d'), 1);
    await replicated(server, replica);
    const inspected = await inspectJson(['ada', '--cluster', replica.url, '--policy', '2:1/d']);
    expect(inspected.primary?.address).toBe(`127.0.0.1:${server.port}`);
    expect(inspected.copies.map(({ role }) => role)).toEqual(['primary', 'replica']);
    expect(inspected.takes).toMatchObject([{ answer: 'allowed', remainingTokens: 0 }]);
  });

  it('says how far a bucket is ahead of the clock', async () => {
    const [seconds = 0] = await server.client.time();
    await server.client.set(KEY, packBucket((Number(seconds) + 60) * 1_000_000, 0));
    const { copies, takes, notes } = await look('--policy', '20:5/s');
    expect(copies[0]?.now?.aheadUs).toBeGreaterThan(50_000_000);
    expect(copies[0]?.now?.timeToNextTokenUs).toBe((copies[0]?.now?.aheadUs ?? 0) + 200_000);
    expect(takes).toMatchObject([{ answer: 'denied' }]);
    expect(notes.join()).toMatch(/ahead of the clock.*the key never expires/);
  });

  it('takes a key that is not there, or has expired, for a full bucket', async () => {
    await server.client.set(KEY, packBucket(1, 0));
    await server.client.pexpire(KEY, 1);
    await expect.poll(() => server.client.pttl(KEY)).toBe(-2);
    const { copies, takes } = await look();
    expect(copies[0]).toMatchObject({
      stored: { type: 'absent' },
      now: { levelTokens: 20, timeToFullUs: 0 },
    });
    expect(takes).toMatchObject([{ answer: 'allowed', remainingTokens: 19 }]);
  });

  it('shows the level of each of several policies, and what they answer together', async () => {
    const policies = { burst: '3:1/d', hourly: '1000:1/d' };
    const limiter = createLimiter({ policies, redis: { urls: [server.url], commandTimeoutMs: 10_000 } });
    onTestFinished(() => limiter.close());
    await limiter.take({ user: 'ada', endpoint: 'ratings' }, { cost: { burst: 1, hourly: 999 } });
    const flags = ['--policy', policies.burst, '--policy', policies.hourly];
    const { copies, takes, notes } = await look(...flags);
    const stored = { type: 'bucket', levelsQuanta: [2 * 86_400_000_000, 86_400_000_000] };
    expect(copies[0]).toMatchObject({
      stored,
      now: { levelsTokens: [expect.closeTo(2, 2), expect.closeTo(1, 2)] },
    });
    expect(takes).toMatchObject([{ answer: 'allowed', remainingTokens: 0 }]);
    expect(notes).toEqual([]);
    await limiter.take({ user: 'ada', endpoint: 'ratings' });
    const after = await look(...flags);
    expect(after.takes).toMatchObject([{ answer: 'denied' }]);
    expect(after.takes[0]).toHaveProperty('retryAfterUs', expect.closeTo(86_400_000_000, -9));
    const { stdout } = await callCli(['inspect', 'ada', '--cluster', server.url, ...flags]);
    expect(stdout).toMatch(/policy {3}3:1\/d, 1000:1\/d \(as given\)/);
    expect(stdout).toMatch(/│ 1(\.\d+)?, 0(\.\d+)? +│/);
    expect((await look('--policy', policies.burst)).notes).toContainEqual(
      expect.stringMatching(/levels of 2 policies, but --policy names 1/),
    );
  });

  it("shows a lease's bucket: what is at home, what is lent, and to how many", async () => {
    const lend = () =>
      createLease({
        policy: '20:1/d',
        redis: { urls: [server.url], commandTimeoutMs: 10_000 },
        replicas: 0,
        lease: { leaseMs: 60_000 },
      });
    const holders = [lend(), lend()] as const;
    onTestFinished(async () => {
      for (const holder of holders) await holder.close();
    });
    const subject = { user: 'ada', endpoint: 'ratings' };
    for (const holder of holders) await holder.take(subject, { cost: 4 });
    await holders[0].take(subject, { cost: 3 });
    const { copies, takes, notes } = await look('--policy', '20:1/d');
    const [copy] = copies;
    if (copy?.stored?.type !== 'lease') throw new Error(`a stored ${copy?.stored?.type}`);
    const lentTokens = copy.stored.accounts.reduce((sum, { granted, used }) => sum + granted - used, 0);
    const atHome = 20 - copy.stored.accounts.reduce((sum, { granted }) => sum + granted, 0);
    expect(copy.now).toMatchObject({
      levelTokens: expect.closeTo(atHome, 2),
      lent: { tokens: lentTokens, holders: 2 },
    });
    expect(takes).toMatchObject([{ answer: 'allowed', remainingTokens: atHome - 1 }]);
    expect(notes).toEqual([expect.stringMatching(/^a lease bucket: \d+ lent to 2, by their last reports/)]);
    const { stdout } = await callCli(['inspect', 'ada', '--cluster', server.url, '--policy', '20:1/d']);
    expect(stdout).toMatch(/lease: \d+ quanta not lent.* and \d+ lent to 2 /);
  });

  it.each([
    { last: 254, state: 'closed', why: 'BUCKET_MOVING: move 7 of this bucket has not ended' },
    { last: 255, state: 'moved', why: 'BUCKET_MOVED: move 7 took this bucket to another home' },
  ])('says that a move left the bucket $state', async ({ last, state, why }) => {
    await server.client.set(KEY, Buffer.concat([packBucket(7), Buffer.of(last)]), 'PX', 60_000);
    const { copies, takes, notes, isStored } = await look();
    expect(copies[0]).toMatchObject({ stored: { type: 'mark', state, move: 7 } });
    expect(copies[0]).not.toHaveProperty('now');
    expect([takes, notes, isStored]).toMatchObject([[{ answer: 'refused', why }], [], true]);
    const { stdout } = await callCli(['inspect', 'ada', '--cluster', server.url]);
    expect(stdout).toContain(`${state} by move 7`);
    await expect(limit(server, '20:1/d').take(ADA)).rejects.toMatchObject({ code: why.split(':')[0] });
  });

  it('says that a move waits until no token is lent', async () => {
    const clockUs = Date.now() * 1_000;
    const stop = [0, 7, 1, 0, 0, 0, clockUs + 60_000_000];
    const home = packBucket(clockUs, 5_000, 1_000, 20, ...stop);
    await server.client.set(KEY, Buffer.concat([home, Buffer.of(0)]), 'PX', 60_000);
    const { copies, takes } = await look();
    expect(copies[0]?.now).toMatchObject({ lent: { tokens: 0, holders: 0 }, move: 7 });
    const why = 'BUCKET_MOVING: move 7 of this bucket has not ended';
    expect(takes).toMatchObject([{ answer: 'refused', why }]);
  });

  it('says that another program uses the key', async () => {
    await server.client.set(KEY, '\u001b[31mred');
    const { copies, takes, notes } = await look();
    expect(copies[0]).toMatchObject({ stored: { type: 'foreign', found: 'a string that is no bucket' } });
    expect(takes).toMatchObject([{ answer: 'refused' }]);
    expect(notes).toContainEqual(expect.stringContaining('choose another prefix'));
    const { code, stdout } = await callCli(['inspect', 'ada', '--cluster', server.url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/no bucket: a string that is no bucket.*refused/s);
    expect(stdout).not.toContain('\u001b');
  });

  it("shows a bucket of the article's script as what it is", async () => {
    await takeTimes(limit(server, '3:1/d', { strategy: 'article' }), 3);
    const { copies, takes, notes } = await look('--policy', '3:1/d');
    expect(copies[0]).toMatchObject({ stored: { type: 'article', tokens: 0 }, now: { levelTokens: 0 } });
    expect(copies[0]?.stored).toMatchObject({ timestampS: expect.any(Number) });
    expect(takes).toMatchObject([{ answer: 'denied' }]);
    expect(notes).toContainEqual(expect.stringContaining("article's script"));
    expect(
      (await callCli(['inspect', 'ada', '--cluster', server.url, '--policy', '3:1/d'])).stdout,
    ).toContain('article: 0 tokens');
  });

  it('escapes a user as the limiter does, and shows nothing that a terminal would obey', async () => {
    const user = 'a:{b}%\u202edcba';
    await limit(server, '20:1/d').take({ user, endpoint: 'e:1' });
    const args = ['inspect', user, '--endpoint', 'e:1', '--cluster', server.url, '--policy', '20:1/d'];
    const { stdout } = await callCli(args);
    expect(stdout).toContain('rate:openclaw:a%3A%7Bb%7D%25\\u{202e}dcba:e%3A1');
    expect(stdout).toMatch(/allowed, 18 left/);
    const json = (await callCli([...args, '--json'])).stdout;
    expect(stdout + json).not.toContain('\u202e');
    expect(JSON.parse(json)).toMatchObject({ user, copies: [{ stored: { type: 'bucket' } }, {}] });
  });

  it.each([
    { title: 'as lines', flags: [], match: /^\S+Z \| primary 127.*\| here: allowed, 19 left$/ },
    { title: 'as NDJSON', flags: ['--json'], match: /^\{"user":"ada".*\}$/ },
  ])(
    'watches every second until Ctrl-C, $title',
    async ({ flags, match }) => {
      const { child, output, ended } = startCli([
        'inspect',
        'ada',
        '--cluster',
        server.url,
        '--watch',
        ...flags,
      ]);
      await vi.waitUntil(() => output.stdout.split('\n').length > 2, { timeout: 60_000 });
      child.kill('SIGINT');
      expect(await ended).toBe(0);
      for (const line of output.stdout.trim().split('\n')) expect(line).toMatch(match);
    },
    90_000,
  );
});

describe.each(SERVERS)('inspect on a guarded %s', (command) => {
  let server: TestServer;
  let tlsUrl: string;
  let ca: string;
  beforeAll(async () => {
    const folder = testFolderOfSuite();
    ca = join(folder, 'cert.pem');
    const keyFile = join(folder, 'key.pem');
    writeFileSync(ca, TEST_CERTIFICATE);
    writeFileSync(keyFile, TEST_KEY, { mode: 0o600 });
    const tlsPort = await freePort();
    tlsUrl = `rediss://127.0.0.1:${tlsPort}`;
    const config = {
      'tls-port': String(tlsPort),
      'tls-cert-file': ca,
      'tls-key-file': keyFile,
      'tls-ca-cert-file': ca,
    };
    const flags = Object.entries({ ...config, 'tls-auth-clients': 'no' }).flatMap(([k, v]) => [`--${k}`, v]);
    server = await startTestServer(command, flags);
    await server.client.call(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>secret',
      '~rate:*',
      '+@read',
      '+@connection',
      '+time',
      '+role',
      '+info',
      '+cluster',
    );
    await server.client.call('ACL', 'SETUSER', 'default', 'on', '>hunter2');
    await server.client.call('AUTH', 'hunter2');
  });
  afterAll(() => server.stop());

  const env = { REDIS_PASSWORD: 'hunter2' };

  it('signs in by REDIS_PASSWORD, and REDIS_USERNAME or the user of the address', async () => {
    const args = ['ada', '--cluster', server.url];
    expect((await inspectJson(args, { env })).takes).toMatchObject([{ answer: 'allowed' }]);
    const reader = { REDIS_PASSWORD: 'secret', REDIS_USERNAME: 'reader' };
    expect((await inspectJson(args, { env: reader })).takes).toMatchObject([{ answer: 'allowed' }]);
    const named = ['ada', '--cluster', server.url.replace('redis://', 'redis://reader@')];
    expect((await inspectJson(named, { env: { REDIS_PASSWORD: 'secret' } })).takes).toMatchObject([
      { answer: 'allowed' },
    ]);
  });

  it('speaks TLS: to an authority that is named, or to any', async () => {
    const args = ['ada', '--cluster', tlsUrl];
    expect((await inspectJson([...args, '--ca', ca], { env })).takes).toMatchObject([{ answer: 'allowed' }]);
    expect((await inspectJson([...args, '--insecure'], { env })).takes).toMatchObject([
      { answer: 'allowed' },
    ]);
  });

  it.each([
    { title: 'no password', args: () => [server.url], says: /NOAUTH.*REDIS_AUTH/s },
    {
      title: 'a wrong password',
      args: () => [server.url],
      env: { REDIS_PASSWORD: 'x' },
      says: /WRONGPASS.*REDIS_AUTH/s,
    },
    {
      title: 'an untrusted certificate',
      args: () => [tlsUrl],
      env,
      says: /--ca <file>.*--insecure/,
    },
    {
      title: 'a port without TLS',
      args: () => [server.url.replace('redis:', 'rediss:')],
      env,
      says: /redis:\/\//,
    },
    { title: 'a port with TLS', args: () => [tlsUrl.replace('rediss:', 'redis:')], env, says: /rediss:\/\// },
  ])('says what to do about $title', async ({ args, says, env: given = {} }) => {
    const { code, stderr, stdout } = await callCli(['inspect', 'ada', '--cluster', ...args()], {
      env: given,
    });
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toMatch(says);
  });
});

describe.each(SERVERS)('inspect on a cluster of %s', (command) => {
  let nodes: TestServer[] = [];
  let replica: TestServer;
  beforeAll(async () => {
    nodes = await startTestCluster(command, 2);
    const [first] = nodes as [TestServer];
    replica = await startTestServer(command, [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes-r.conf'],
      ...['--cluster-node-timeout', '15000', '--cluster-port', String(await freePort())],
    ]);
    const [, busPort = ''] = (await first.client.config('GET', 'cluster-port')) as string[];
    for (const { client } of nodes) await client.config('SET', 'repl-diskless-sync-delay', 0);
    await replica.client.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
    const holder = holderOf(nodes);
    const id = String(await holder.client.cluster('MYID'));
    await vi.waitUntil(() => replica.client.call('CLUSTER', 'REPLICATE', id).catch(() => false), {
      timeout: 15_000,
    });
    await vi.waitUntil(
      async () =>
        (await replica.client.info('replication')).includes('master_link_status:up') &&
        (await replica.client.cluster('INFO')).includes('cluster_state:ok') &&
        // SHARDS names it from the first meeting, SLOTS once it is known to be a replica.
        (await Promise.all([...nodes, replica].map(({ client }) => client.cluster('SLOTS')))).every((slots) =>
          JSON.stringify(slots).includes(`${replica.port}`),
        ),
      { timeout: 15_000 },
    );
  });
  afterAll(() => Promise.all([...nodes, replica].map((node) => node.stop())));

  it('finds the slot, the primary and the replica from any node, by reads alone', async () => {
    const holder = holderOf(nodes);
    await takeTimes(
      limit(holder, '20:1/d', { redis: { urls: [holder.url], cluster: true, commandTimeoutMs: 10_000 } }),
      5,
    );
    await replicated(holder, replica);
    const before = await fingerprint(holder);
    const slot = await holder.client.cluster('KEYSLOT', KEY);
    for (const node of [...nodes, replica]) {
      for (const { client } of [...nodes, replica]) await client.config('RESETSTAT');
      const inspected = await inspectJson(['ada', '--cluster', node.url, '--policy', '20:1/d']);
      expect(inspected).toMatchObject({
        slot,
        primary: { address: `127.0.0.1:${holder.port}` },
        copies: [
          { role: 'primary', stored: { type: 'bucket' } },
          {
            role: 'replica',
            address: `127.0.0.1:${replica.port}`,
            isLinked: true,
            stored: { type: 'bucket' },
          },
        ],
        takes: [{ answer: 'allowed', remainingTokens: 14, node: `127.0.0.1:${holder.port}` }],
        notes: [],
      });
      for (const queried of [...nodes, replica])
        for (const name of await commandsSent(queried)) expect(READS).toContain(name);
    }
    expect(await fingerprint(holder)).toEqual(before);
  });
});

/** The one of two nodes whose half of the slots has the key. */
function holderOf(nodes: readonly TestServer[]): TestServer {
  return nodes[keySlot(KEY) < 8_192 ? 0 : 1] as TestServer;
}
