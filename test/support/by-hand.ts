import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

/** A server that was started as a user would, with nothing of this project. */
export interface ByHand {
  readonly port: number;
  readonly pid: number;
  /** The output of redis-cli, with the login of the server. */
  cli(...words: string[]): Promise<string>;
  /** Its configuration, its users and the number of its keys. */
  state(): Promise<{ readonly config: readonly string[]; readonly users: string; readonly keys: string }>;
  stop(): Promise<void>;
}

export interface ByHandOptions {
  /** Instead of a port of its own choice. */
  readonly port?: number;
  /** Of redis-cli: password, TLS. */
  readonly login?: readonly string[];
  /** TLS replaces the plain port. */
  readonly tls?: boolean;
}

const MOST_STARTS = 3;

/** Starts redis-server with these words and waits until it answers; again, if another program took its port meanwhile. */
export async function startByHand(words: readonly string[], options: ByHandOptions = {}): Promise<ByHand> {
  for (let starts = 1; ; starts++) {
    const port = options.port ?? (await freePort());
    const server = await startOnce(words, { ...options, port });
    if (server !== undefined) return server;
    if (options.port !== undefined || starts === MOST_STARTS)
      throw new Error(`the server on port ${port} has ended`);
  }
}

/** Undefined if it ends before it answers. */
async function startOnce(
  words: readonly string[],
  { port, login = [], tls = false }: ByHandOptions & { readonly port: number },
): Promise<ByHand | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-by-hand-'));
  const listen = tls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
  const isFile = words[0]?.endsWith('.conf') === true; // of a Sentinel, which has its port in it
  const server = spawn('redis-server', [...words, ...(isFile ? [] : [...listen, '--save', ''])], {
    cwd: folder,
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const cli = async (...more: string[]) => {
    const { stdout } = await run('redis-cli', ['-p', String(port), ...login, ...more]);
    return stdout.trim();
  };
  const stop = async () => {
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const answers = vi.waitFor(
    async () => {
      if ((await cli('ping')) !== 'PONG') throw new Error(`the server on port ${port} does not answer`);
    },
    { timeout: 20_000, interval: 50 },
  );
  const isUp = await Promise.race([answers.then(() => true), ended.then(() => false)]);
  if (!isUp) {
    answers.catch(() => {}); // it goes on until its limit
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  const state = async () => ({
    config: pairsOf(await cli('config', 'get', '*')),
    users: await cli('acl', 'list'),
    keys: await cli('dbsize'),
  });
  return { port, pid: server.pid ?? 0, cli, state, stop };
}

/** The settings, a line each; the server lists them in any order. */
function pairsOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((name, at) => (at % 2 === 0 ? [`${name} ${lines[at + 1] ?? ''}`] : [])).sort();
}

/** Three primaries, each with a replica, made by redis-cli. */
export async function startClusterByHand(): Promise<ByHand[]> {
  const nodes: ByHand[] = [];
  for (let at = 0; at < 6; at++)
    nodes.push(await startByHand(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2500']));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
  await vi.waitFor(
    async () => {
      for (const { cli } of nodes) {
        const info = await cli('cluster', 'info');
        if (!info.includes('cluster_state:ok')) throw new Error(info);
      }
    },
    { timeout: 20_000, interval: 100 },
  );
  return nodes;
}
