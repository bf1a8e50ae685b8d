import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { interruption, unlessInterrupted } from '../waiting.ts';

const ANSWER_MS = 30_000;
const FORCE_MS = 2_000;

/** The least major versions that work. */
export const NEEDED = { engine: 20, compose: 2 } as const;

export interface DockerCall {
  /** Default: 30 s. */
  readonly timeoutMs?: number;
  /** Ends a long call early. Calls that clean up pass none. */
  readonly signal?: AbortSignal;
  /** Also return standard error; `docker logs` writes to both streams. */
  readonly withErrors?: boolean;
  /** Its standard input; for secrets, which show in process lists as arguments. */
  readonly input?: string;
  /** Environment variables by which `listOwned` finds the client if it outlives this program. */
  readonly mark?: Readonly<Record<string, string>>;
}

/**
 * Runs `docker` and returns its trimmed output. It runs in its own session, so that a terminal's Ctrl-C does not
 * interrupt a clean-up. Throws ENVIRONMENT_FAILED with docker's message; on abort, the error of `interruption`.
 */
export async function docker(
  args: readonly string[],
  { timeoutMs = ANSWER_MS, signal, withErrors = false, input, mark }: DockerCall = {},
): Promise<string> {
  const command = `docker ${args.slice(0, 2).join(' ')}`;
  if (signal?.aborted) throw interruption(signal, `running ${command}`);
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(environmentFailed(`${command} took longer than ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  const stop = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
  const marks = Object.entries(mark ?? {}).map(([name, value]) => `${name}=${value}`);
  const [program, ...words] = mark === undefined ? ['docker', ...args] : ['env', ...marks, 'docker', ...args];
  const child = spawn(program, words, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it ended without reading all
  child.stdin.end(input);
  const ending = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const [stdout, stderr, [code, ended]] = await unlessInterrupted(stop, `running ${command}`, ending)
    .catch((error: Error) => {
      endGroup(child);
      throw error instanceof OpenclawError ? error : explainStart(error);
    })
    .finally(() => clearTimeout(timer));
  if (code === 0) return `${stdout}${withErrors ? stderr : ''}`.trim();
  const answer = lastLine(stderr) || `exited with ${code ?? ended}`;
  throw environmentFailed(`${command}: ${answer}`, hintFor(stderr));
}

/** Ends the client and its plugins: SIGTERM, then SIGKILL after 2 s. Does not wait for them. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // it has ended
    }
  };
  send('SIGTERM');
  setTimeout(() => send('SIGKILL'), FORCE_MS).unref();
}

function explainStart(error: NodeJS.ErrnoException): OpenclawError {
  if (error.code !== 'ENOENT') return environmentFailed(`docker could not be started: ${error.message}`);
  return environmentFailed(
    'docker was not found',
    'only --provider docker and --engine swarm need it: see https://docs.docker.com/engine/install',
    error,
  );
}

/** Whether the error means that this machine has no docker program, so that no containers can exist. */
export function isDockerAbsent(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return error instanceof OpenclawError && cause?.code === 'ENOENT' && cause.syscall === 'spawn docker';
}

/** The hint for a message of the docker program; undefined for an unknown message. */
export function hintFor(text: string): string | undefined {
  if (/permission denied.*(socket|docker\.sock)/is.test(text))
    return 'give this user access to the socket: sudo usermod -aG docker "$USER", then log in again';
  if (/cannot connect to the docker daemon|is the docker daemon running|error during connect/i.test(text))
    return 'start the engine: sudo systemctl start docker';
  if (/pool overlaps/i.test(text)) return 'choose another subnet: export OPENCLAW_RL_SUBNET=198.19.7.0/24';
  if (/is not a docker command|unknown shorthand flag: 'p'/i.test(text))
    return `install the Compose plugin, version ${NEEDED.compose} or later: apt-get install docker-compose`;
  if (/no such host|connection refused|manifest unknown|pull access denied|denied:/i.test(text))
    return 'name images that this machine has: export OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE';
  return undefined;
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
