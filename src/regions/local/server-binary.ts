import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OpenclawError } from '../../core/errors.ts';

/** A Redis-compatible server program at hand. */
export interface ServerBinary {
  readonly command: string;
  readonly product: 'redis' | 'valkey';
  readonly version: string;
}

/** Where a server is looked for, in this order. */
export const SERVER_COMMANDS = ['redis-server', 'valkey-server'] as const;

/** Scripts need `#!lua`, which came with Redis 7; every Valkey has it. */
const OLDEST_REDIS = 7;

/** The server named by `command`, else the first of redis-server and valkey-server. Throws SERVER_MISSING. */
export async function findServer(command?: string): Promise<ServerBinary> {
  const tried: string[] = [];
  for (const candidate of command === undefined ? SERVER_COMMANDS : [command]) {
    const found = await probeServer(candidate);
    if (typeof found !== 'string') return found;
    tried.push(found);
  }
  throw new OpenclawError('SERVER_MISSING', `no usable Redis or Valkey server: ${tried.join('; ')}`);
}

/** The server that a command starts, or what is wrong with it. */
export async function probeServer(command: string): Promise<ServerBinary | string> {
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 5_000 });
    const [, name = '', version = ''] = /^(\w+)(?: server)? .*?v=([\d.]+)/i.exec(stdout) ?? [];
    if (version === '') return `${command} --version said something unknown`;
    const product = /valkey/i.test(name) ? 'valkey' : 'redis';
    if (product === 'redis' && Number.parseInt(version, 10) < OLDEST_REDIS) {
      return `${command} is version ${version}; at least ${OLDEST_REDIS} is needed`;
    }
    return { command, product, version };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' ? `${command} was not found` : `${command} --version failed`;
  }
}
