import { type ChildProcess, spawn } from 'node:child_process';
import { OpenclawError } from '../../core/errors.ts';
import { interruption } from '../until.ts';

const ANSWER_MS = 30_000;
const FORCE_MS = 2_000;

/** The least major versions that can be used: earlier ones lack what is asked of them. */
export const NEEDED = { engine: 20, compose: 2 } as const;

export interface DockerCall {
  /** Default: 30 s. */
  readonly timeoutMs?: number;
  /** Ends the call early; for what may take long. What tidies up has none. */
  readonly signal?: AbortSignal;
  /** Give what it prints as errors, too: `docker logs` keeps the two apart. */
  readonly withErrors?: boolean;
}

/**
 * Runs `docker` with these arguments and gives what it prints. It has a session of its own: a terminal's Ctrl-C reaches
 * only us, and what tidies up is not ended half-way. Throws ENVIRONMENT_FAILED in its own words; what the signal says
 * when it comes first.
 */
export async function docker(
  args: readonly string[],
  { timeoutMs = ANSWER_MS, signal, withErrors = false }: DockerCall = {},
): Promise<string> {
  const command = `docker ${args.slice(0, 2).join(' ')}`;
  if (signal?.aborted) throw interruption(signal, command);
  const child = spawn('docker', args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise<string>((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        output[stream] += chunk;
      });
    const giveUp = (why: OpenclawError) => {
      endGroup(child);
      settle(() => reject(why));
    };
    const onAbort = () => giveUp(interruption(signal as AbortSignal, command));
    const timer = setTimeout(
      () => giveUp(failure(`${command} took longer than ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    signal?.addEventListener('abort', onAbort);
    child.once('error', (error) => settle(() => reject(explainStart(error))));
    child.once('close', (code, ended) => {
      const said = lastLine(output.stderr) || `ended with ${code ?? ended}`;
      settle(() => {
        if (code === 0) resolve(`${output.stdout}${withErrors ? output.stderr : ''}`.trim());
        else reject(failure(`${command}: ${said}`, { hint: hintFor(output.stderr) }));
      });
    });
  });
}

/** The client and the plugins it has started: asks, then forces. Nobody waits for them. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  const tell = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // it has ended
    }
  };
  tell('SIGTERM');
  setTimeout(() => tell('SIGKILL'), FORCE_MS).unref();
}

function explainStart(error: NodeJS.ErrnoException): OpenclawError {
  if (error.code !== 'ENOENT') return failure(`docker could not be started: ${error.message}`);
  return failure('docker was not found', {
    cause: error,
    hint: 'install Docker Engine: see openclaw-rl doctor',
  });
}

/** Whether there is no docker program here, and so nothing of ours in any engine that this user could ask. */
export function isDockerAbsent(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return error instanceof OpenclawError && cause?.code === 'ENOENT' && cause.syscall === 'spawn docker';
}

function failure(
  message: string,
  { hint, cause }: { readonly hint?: string | undefined; readonly cause?: Error } = {},
): OpenclawError {
  return new OpenclawError('ENVIRONMENT_FAILED', message, { ...(hint && { hint }), ...(cause && { cause }) });
}

/** What to do about what the docker program said, where that is known. */
export function hintFor(text: string): string | undefined {
  if (/permission denied.*(socket|docker\.sock)/is.test(text))
    return 'let this user at the socket: sudo usermod -aG docker "$USER", then log in again';
  if (/cannot connect to the docker daemon|is the docker daemon running|error during connect/i.test(text))
    return 'start the engine: sudo systemctl start docker';
  if (/pool overlaps/i.test(text)) return 'choose another subnet: export OPENCLAW_RL_SUBNET=198.19.7.0/24';
  if (/is not a docker command|unknown shorthand flag: 'p'/i.test(text))
    return `install the Compose plugin, version ${NEEDED.compose} or later: apt-get install docker-compose`;
  if (/no such host|connection refused|manifest unknown|pull access denied|denied:/i.test(text))
    return 'name images that are here: OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE';
  return undefined;
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
