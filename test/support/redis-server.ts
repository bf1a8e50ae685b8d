import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpenclawError } from '../../src/core/errors.ts';
import type { ServerBinary } from '../../src/regions/local/server-binary.ts';
import { type LocalProcess, startProcess } from '../../src/regions/processes/process.ts';
import { freePort } from './free-port.ts';

/** One standalone server on loopback, without persistence. */
export interface RedisServer {
  readonly process: LocalProcess;
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface RedisServerOptions {
  readonly binary: ServerBinary;
  /** For its files and its log; made when it does not exist. */
  readonly folder: string;
  readonly name?: string;
  /** More of its configuration, as on its command line. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const HOST = '127.0.0.1';
const START_MS = 10_000;
const TRIES = 5;
const EVERY_MS = 15;

/** Starts a server on a free port and waits until it answers. Throws ENVIRONMENT_FAILED with the end of its log. */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const { binary, folder, name = 'redis', config = [], env } = options;
  await mkdir(folder, { recursive: true });
  const logFile = join(folder, `${name}.log`);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const base = Object.entries({ port, bind: HOST, dir: folder, save: '', appendonly: 'no' });
    const process = await startProcess({
      name,
      command: binary.command,
      args: [...base.flatMap(([setting, value]) => [`--${setting}`, String(value)]), ...config],
      logFile,
      ...(env && { env }),
    });
    const failure = await waitUntilReady(process);
    if (failure === undefined) return { process, host: HOST, port, url: `redis://${HOST}:${port}` };
    await process.stop();
    const log = await readFile(logFile, 'utf8').catch(() => '');
    const portTaken = log.includes('Address already in use');
    if (!portTaken || attempt === TRIES) {
      const lastLines = log.trimEnd().split('\n').slice(-3).join(' | ');
      throw new OpenclawError('ENVIRONMENT_FAILED', `${failure}; its log ${logFile} ends: ${lastLines}`);
    }
  }
}

/** Waits for the log of this server: another program could answer on the port. */
async function waitUntilReady(process: LocalProcess): Promise<string | undefined> {
  const ready = new RegExp(`^${process.pid}:.*Ready to accept connections`, 'm');
  let how: string | undefined;
  void process.ended.then((sentence) => {
    how = sentence;
  });
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await sleep(EVERY_MS)) {
    if (ready.test(await readFile(process.logFile, 'utf8'))) return undefined;
    if (how !== undefined) return how;
  }
  return `${process.name} was not ready within ${START_MS / 1_000} s`;
}
