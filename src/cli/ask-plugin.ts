import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPolicy, type Policy } from '../core/policy.ts';
import { refusalIn, refused } from '../limiter/plugin-error.ts';
import { startProcess } from '../regions/processes/process.ts';
import { interruption } from '../regions/until.ts';
import type { Environment } from './environment.ts';
import { serviceEnvironment } from './service-environment.ts';

/** More than `startPlugin` gives it: this is for one that keeps its process too busy to notice. */
const PATIENCE_MS = 20_000;

/**
 * What a plug-in promises for this policy. A process of its own imports it: what it does when it is loaded must neither
 * end ours, which would be a pass, nor write into our results. Throws INVALID_OPTION where it is no plug-in.
 */
export async function askPlugin(file: string, policy: Policy, environment: Environment): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-plugin-'));
  try {
    return await askIn(folder, { file, policy, environment });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Question {
  readonly file: string;
  readonly policy: Policy;
  readonly environment: Environment;
}

async function askIn(folder: string, { file, policy, environment }: Question): Promise<string> {
  const { self, interrupt } = environment;
  const [command, ...script] = self;
  const [logFile, answerFile] = [join(folder, 'log'), join(folder, 'answer')];
  const args = [...script, 'read-plugin', file, formatPolicy(policy), answerFile];
  const env = serviceEnvironment(environment);
  const asked = await startProcess({ name: 'its process', command, args, env, logFile });
  const late = sleep(PATIENCE_MS, undefined, { ref: false, signal: interrupt }).then(
    () => `its process said nothing for ${PATIENCE_MS / 1_000} s`,
    () => undefined,
  );
  const how = await Promise.race([asked.ended, late]);
  await asked.stop();
  if (interrupt.aborted) throw interruption(interrupt, 'a plug-in was loaded');
  const answer = await readFile(answerFile, 'utf8').catch(() => undefined);
  if (answer !== undefined) return answer;
  const log = await readFile(logFile, 'utf8');
  throw refusalIn(log) ?? refused(file, `cannot be loaded: ${how} ${log.trim().slice(-300)}`.trim());
}
