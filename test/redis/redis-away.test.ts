import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { RedisPort, RedisSource } from '../../src/limiter/redis/port.ts';
import { type ByHand, startByHand } from '../support/by-hand.ts';
import { freePort } from '../support/free-port.ts';
import { COUNT, PORTS, PRIMARY_NAME } from '../support/redis-ports.ts';

/** A wait for an attempt to connect is at most 1 s: ten of them show, and so does one time limit. */
const TIMEOUT_MS = 5_000;
const AT_ONCE_MS = 4_000;
const COMMANDS = 10;
const LONG = { timeout: 30_000, interval: 20 };

type Port = RedisPort;

/** What can be away: starts it again on its port. */
type Start = () => Promise<ByHand>;

const count = (port: Port) =>
  port.run(COUNT, ['count'], []).then(
    ({ values: [value] }) => value,
    (error) => error,
  );

function open(source: RedisSource): Port {
  const port = source.open();
  onTestFinished(() => port.close());
  return port;
}

async function expectAway(port: Port): Promise<void> {
  const away = { code: 'REDIS_UNREACHABLE', charge: 'none' };
  const startedMs = performance.now();
  await expect.poll(() => count(port), LONG).toMatchObject(away); // the first attempt is awaited
  for (let i = 0; i < COMMANDS; i++) expect(await count(port)).toMatchObject(away);
  expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
}

const expectBack = (port: Port) => expect.poll(() => count(port), LONG).toBeTypeOf('number');

async function keep(start: Start): Promise<ByHand> {
  const server = await start();
  onTestFinished(() => server.stop());
  return server;
}

/** Away before the first command, and again later. */
async function comesAndGoes(port: Port, start: Start): Promise<void> {
  await expectAway(port);
  const server = await keep(start);
  await expectBack(port);
  await server.stop();
  await expectAway(port);
  await keep(start);
  await expectBack(port);
}

const byHand = (port: number) => startByHand([], { port });

async function clusterByHand(port: number): Promise<ByHand> {
  const config = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
  const node = await startByHand(config, { port });
  await node.cli('cluster', 'addslotsrange', '0', '16383');
  return node;
}

function sentinelByHand(port: number, primaryPort: number): Promise<ByHand> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-away-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    `port ${port}\ndir ${folder}\nsentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primaryPort} 1\n`,
  );
  return startByHand([file, '--sentinel'], { port });
}

const behindSentinels = PORTS.flatMap(({ name, sentinel }) => (sentinel ? [{ name, sentinel }] : []));

it.each(PORTS)('no command waits while the server is away: $name', LONG, async ({ standalone }) => {
  const at = await freePort();
  await comesAndGoes(open(standalone(at, TIMEOUT_MS)), () => byHand(at));
});

it.each(PORTS)('no command waits while the cluster is away: $name', LONG, async ({ cluster }) => {
  const at = await freePort();
  await comesAndGoes(open(cluster([at], TIMEOUT_MS)), () => clusterByHand(at));
});

it.each(behindSentinels)('no command waits while the Sentinel is away: $name', LONG, async ({ sentinel }) => {
  const [at, primaryAt] = [await freePort(), await freePort()];
  const primary = await keep(() => byHand(primaryAt));
  const port = open(sentinel(at, TIMEOUT_MS));
  await expectAway(port);
  const { stop } = await keep(() => sentinelByHand(at, primaryAt));
  await expectBack(port);
  await Promise.all([stop(), primary.stop()]);
  await expectAway(port);
  await keep(() => byHand(primaryAt));
  await keep(() => sentinelByHand(at, primaryAt));
  await expectBack(port);
});

it.each(behindSentinels)(
  'no command waits while the primary of a Sentinel is away: $name',
  LONG,
  async ({ sentinel }) => {
    const [at, primaryAt] = [await freePort(), await freePort()];
    await keep(() => sentinelByHand(at, primaryAt));
    await comesAndGoes(open(sentinel(at, TIMEOUT_MS)), () => byHand(primaryAt));
  },
);
