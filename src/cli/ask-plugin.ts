import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { formatPolicy, type Policy } from '../core/policy.ts';
import { refusalIn, refused } from '../limiter/plugin-error.ts';
import { interruption } from '../regions/until.ts';
import type { Environment } from './environment.ts';

/** More than `startPlugin` gives it: this is for one that keeps its process too busy to notice. */
const PATIENCE_MS = 20_000;

/**
 * What a plug-in promises for this policy. A process of its own imports it: what it does when it is loaded must neither
 * end ours, which would be a pass, nor write into our results. Throws INVALID_OPTION where it is no plug-in.
 */
export async function askPlugin(
  file: string,
  policy: Policy,
  { self: [command, ...script], env, cwd, interrupt }: Environment,
): Promise<string> {
  const child = spawn(command, [...script, 'read-plugin', file, formatPolicy(policy)], {
    ...{ cwd, env, signal: interrupt, timeout: PATIENCE_MS, killSignal: 'SIGKILL' },
    detached: true, // a terminal's Ctrl-C reaches only us
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [log, report, [code, signal]] = await Promise.all([
    text(child.stderr as Readable),
    text(child.stdio[3] as Readable),
    once(child, 'close'),
  ]).catch((error: unknown) => {
    throw interrupt.aborted ? interruption(interrupt, 'a plug-in was loaded') : error;
  });
  if (code === 0 && report !== '') return JSON.parse(report);
  throw (
    refusalIn(log) ??
    refused(file, `${howEnded(child.killed, code ?? signal)} ${log.trim().slice(-300)}`.trim())
  );
}

function howEnded(isLate: boolean, status: number | string): string {
  return isLate
    ? `cannot be loaded: its process said nothing for ${PATIENCE_MS / 1_000} s`
    : `cannot be loaded: its process ended with ${status}`;
}
