import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { installLine } from './server-package.ts';

/** An installed Redis-compatible server program. */
export interface ServerBinary {
  readonly command: string;
  readonly product: 'redis' | 'valkey';
  readonly version: string;
}

/** The server commands to try, in this order. */
export const SERVER_COMMANDS = ['redis-server', 'valkey-server'] as const;

/** Scripts need `#!lua`, which Redis has since version 7; every Valkey has it. */
const OLDEST_REDIS = 7;
const NOT_FOUND = ' was not found';

/** The server of `command`, else the first usable one of SERVER_COMMANDS. Throws SERVER_MISSING. */
export async function findServer(command?: string): Promise<ServerBinary> {
  const tried: string[] = [];
  for (const candidate of command === undefined ? SERVER_COMMANDS : [command]) {
    const found = await probeServer(candidate);
    if (typeof found !== 'string') return found;
    tried.push(found);
  }
  const why = `no usable Redis or Valkey server: ${tried.join('; ')}`;
  throw new OpenclawError('SERVER_MISSING', why, given({ hint: serverHint(command, tried) }));
}

/** The way out where no server of SERVER_COMMANDS, or none of `command`, can be used; undefined: see the catalogue. */
export function serverHint(command: string | undefined, lacks: readonly string[]): string | undefined {
  const isOurs = command === undefined || SERVER_COMMANDS.some((known) => known === command);
  if (!isOurs) return 'name a server that is installed, or leave out --server: openclaw-rl doctor';
  // A package of this system would be the same again where one is too old.
  const line = lacks.every((why) => why.endsWith(NOT_FOUND)) ? installLine(command) : undefined;
  return line && `install one: ${line}`;
}

/** The server that a command starts, or why it cannot be used. */
export async function probeServer(command: string): Promise<ServerBinary | string> {
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 5_000 });
    const [, name = '', version = ''] = /^(\w+)(?: server)? .*?v=([\d.]+)/i.exec(stdout) ?? [];
    if (version === '') return `${command} --version printed no known version`;
    const product = /valkey/i.test(name) ? 'valkey' : 'redis';
    if (product === 'redis' && Number.parseInt(version, 10) < OLDEST_REDIS) {
      return `${command} is version ${version}; at least ${OLDEST_REDIS} is needed`;
    }
    return { command, product, version };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' ? `${command}${NOT_FOUND}` : `${command} --version failed`;
  }
}
