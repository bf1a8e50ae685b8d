import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OpenclawError } from '../../core/errors.ts';

const ANSWER_MS = 30_000;
const MOST_OUTPUT = 16 * 2 ** 20;

/** Runs `docker` with these arguments and gives what it prints. Throws ENVIRONMENT_FAILED in its own words. */
export async function docker(args: readonly string[], timeoutMs = ANSWER_MS): Promise<string> {
  const options = { timeout: timeoutMs, maxBuffer: MOST_OUTPUT };
  const { stdout } = await promisify(execFile)('docker', [...args], options).catch((error: unknown) => {
    throw explainDocker(error, args, timeoutMs);
  });
  return stdout.trim();
}

interface Failure extends Error {
  readonly code?: string | number;
  readonly killed?: boolean;
  readonly stderr?: string;
}

function explainDocker(error: unknown, args: readonly string[], timeoutMs: number): OpenclawError {
  const { code, killed, stderr = '', message } = error as Failure;
  if (code === 'ENOENT') {
    const hint = 'install Docker Engine: see openclaw-rl doctor';
    return new OpenclawError('ENVIRONMENT_FAILED', 'docker was not found', { cause: error, hint });
  }
  const command = `docker ${args.slice(0, 2).join(' ')}`;
  const said = lastLine(stderr) || lastLine(message);
  const text = killed ? `${command} took longer than ${timeoutMs / 1_000} s` : `${command}: ${said}`;
  const hint = hintFor(stderr);
  return new OpenclawError('ENVIRONMENT_FAILED', text, { cause: error, ...(hint && { hint }) });
}

/** What to do about what the docker program said, where that is known. */
export function hintFor(text: string): string | undefined {
  if (/permission denied.*(socket|docker\.sock)/is.test(text))
    return 'let this user at the socket: sudo usermod -aG docker "$USER", then log in again';
  if (/cannot connect to the docker daemon|is the docker daemon running|error during connect/i.test(text))
    return 'start the engine: sudo systemctl start docker';
  if (/pool overlaps/i.test(text)) return 'choose another subnet: export OPENCLAW_RL_SUBNET=198.19.7.0/24';
  if (/is not a docker command|unknown shorthand flag: 'p'/i.test(text))
    return 'install the Compose plugin: apt-get install docker-compose (2.20 or later)';
  if (/no such host|connection refused|manifest unknown|pull access denied|denied:/i.test(text))
    return 'name images that are here: OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE';
  return undefined;
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
