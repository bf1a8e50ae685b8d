import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { pluginName } from '../../core/plugin-name.ts';
import { checkAbout, type LimiterAbout } from '../../limiter/plugin/about.ts';
import { refused } from '../../limiter/plugin/error.ts';
import { withTimeout } from '../../limiter/with-timeout.ts';
import { startProcess } from '../../regions/processes/process.ts';
import { interruption, unlessInterrupted } from '../../regions/waiting.ts';
import type { Environment } from '../process/environment.ts';
import { serviceEnvironment } from '../process/service-environment.ts';

/** Longer than the timeout of `startPlugin`, which cannot fire while a plug-in blocks its process. */
const PATIENCE_MS = 20_000;
const LOADED = 'a plug-in was loaded';

/** What a plug-in exports besides its limiter. */
export interface PluginFacts {
  /** As text. */
  readonly promise: string;
  readonly about?: LimiterAbout;
}

/**
 * What a plug-in exports for these policies, as `parsePolicies` reads them. A separate process imports it, so that loading it can neither end
 * this process with exit code 0 nor write into the results. Throws INVALID_OPTION if it is no plug-in.
 */
export async function askPlugin(
  file: string,
  policies: string,
  environment: Environment,
): Promise<PluginFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-plugin-'));
  try {
    return await askIn(folder, { file, policies, environment });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Question {
  readonly file: string;
  readonly policies: string;
  readonly environment: Environment;
}

async function askIn(folder: string, { file, policies, environment }: Question): Promise<PluginFacts> {
  const { self, interrupt } = environment;
  const [command, ...script] = self;
  const logFile = join(folder, 'log');
  const args = [...script, 'read-plugin', file, policies];
  const env = serviceEnvironment(environment);
  const child = await startProcess({ name: 'its process', command, args, env, logFile });
  const ended = unlessInterrupted(interrupt, LOADED, child.ended).catch(() => '');
  const how = await withTimeout(PATIENCE_MS, ended, () => undefined);
  await child.stop();
  if (interrupt.aborted) throw interruption(interrupt, LOADED);
  const { ready, refused: reason } = child.answer();
  if (ready?.promise !== undefined) {
    const { promise, about } = ready;
    return { promise, ...(about !== undefined && { about: checkAbout(file, about) }) };
  }
  if (reason !== undefined) throw new OpenclawError(reason.code, reason.message, reason);
  if (how === undefined) throw silent(file);
  const log = await readFile(logFile, 'utf8');
  throw refused(file, `cannot be loaded: ${how} ${log.trim().slice(-300)}`.trim());
}

function silent(file: string): OpenclawError {
  const waited = `waited ${PATIENCE_MS / 1_000} s for its process to import it and give its promise`;
  return new OpenclawError('INVALID_OPTION', `${pluginName(file)} cannot be loaded: ${waited}`, {
    hint: `run it again when this machine is less busy; if it is not busy, ${file} blocks its process: see docs/plugins.md`,
  });
}
