import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { hasProgram } from './programs.ts';

/** A Redis in a network namespace of its own, reached by a cable. */
export interface CabledRedis {
  readonly host: string;
  readonly port: number;
  readonly namespace: string;
  /** Its end of the cable. */
  readonly device: string;
  stop(): Promise<void>;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Whether this user may make network namespaces; throws where not, if CI requires it. */
export function canCable(): boolean {
  if (!hasProgram('ip', '-V')) return false;
  const name = nameOf(0);
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch (error) {
    if (process.env.OPENCLAW_RL_REQUIRE_PROGRAMS) throw error;
    return false;
  }
}

const PORT = 6379;

/** Names of devices have at most 15 characters. */
const nameOf = (number: number) => `rl${process.pid % 100_000}n${number}`;

/** Starts the server; `number` from 1 to 60 tells it from others. Nothing of it is left after `stop`, or after a failure. */
export async function startCabledRedis(number: number): Promise<CabledRedis> {
  const name = nameOf(number);
  const device = `${name}i`;
  // 198.18.0.0/15 is for such benches, and in no network.
  const net = `198.18.${process.pid % 250}`;
  const [outside, host] = [`${net}.${4 * number + 1}`, `${net}.${4 * number + 2}`];
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  try {
    ip('netns', 'add', name);
    undo.push(() => ip('netns', 'del', name));
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', device, 'netns', name);
    undo.push(() => ip('link', 'del', name));
    ip('addr', 'add', `${outside}/30`, 'dev', name);
    ip('link', 'set', name, 'up');
    ip('-n', name, 'addr', 'add', `${host}/30`, 'dev', device);
    ip('-n', name, 'link', 'set', device, 'up');
    const flags = ['--port', String(PORT), '--bind', host, '--protected-mode', 'no', '--save', ''];
    const server = spawn('ip', ['netns', 'exec', name, 'redis-server', ...flags], {
      cwd: folder,
      stdio: 'ignore',
    });
    const ended = once(server, 'exit');
    undo.push(async () => {
      server.kill('SIGKILL');
      await ended;
    });
    await untilReady(host);
    return { host, port: PORT, namespace: name, device, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilReady(host: string): Promise<void> {
  const client = new Redis({ host, port: PORT, retryStrategy: () => 50, maxRetriesPerRequest: 400 });
  client.on('error', () => {});
  try {
    await client.ping();
  } finally {
    client.disconnect();
  }
}
