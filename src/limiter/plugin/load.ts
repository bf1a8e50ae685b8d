import { pathToFileURL } from 'node:url';
import { isLimiterFile } from '../../core/plugin-name.ts';
import { namesOf, shown } from '../../core/printable.ts';
import { checkAbout } from './about.ts';
import { loadCommand, type ProgramHost } from './command/command-plugin.ts';
import { notLoaded, refused } from './error.ts';
import type { LimiterPlugin } from './plugin.ts';

export interface LoadOptions {
  /** Each copy is a module of its own, with its own state. */
  readonly copy?: string;
  /** If the file describes a program: where it runs. */
  readonly host?: ProgramHost;
}

const NO_HOST: ProgramHost = { env: {}, atExit: () => {} };

/**
 * Loads a plug-in: a module, or a file that describes a command. `file` is an absolute path. Throws INVALID_OPTION with the
 * reason.
 */
export async function loadPlugin(
  file: string,
  { copy, host = NO_HOST }: LoadOptions = {},
): Promise<LimiterPlugin> {
  return isLimiterFile(file) ? loadCommand(file, host) : loadModule(file, copy);
}

async function loadModule(file: string, copy: string | undefined): Promise<LimiterPlugin> {
  const { href } = pathToFileURL(file);
  const module: Partial<LimiterPlugin> = await import(
    copy === undefined ? href : `${href}?copy=${copy}`
  ).catch(async (error: unknown) => {
    throw await notLoaded(file, error);
  });
  const { createLimiter, promise, severalPolicies, simulated, about } = module;
  if (typeof createLimiter !== 'function')
    throw refused(file, `must export a function createLimiter; ${foundIn(module)}`);
  if (promise !== undefined && typeof promise !== 'string' && typeof promise !== 'function')
    throw refused(file, `promise must be a string or a function of the policy; found ${shown(promise)}`);
  for (const [name, value] of Object.entries({ severalPolicies, simulated }))
    if (value !== undefined && typeof value !== 'boolean')
      throw refused(file, `${name} must be true or false; found ${shown(value)}`);
  return {
    createLimiter,
    ...(promise !== undefined && { promise }),
    ...(severalPolicies !== undefined && { severalPolicies }),
    ...(simulated !== undefined && { simulated }),
    ...(about !== undefined && { about: checkAbout(file, about) }),
  };
}

function foundIn(module: Partial<LimiterPlugin>): string {
  return 'createLimiter' in module ? `found ${shown(module.createLimiter)}` : `it exports ${namesOf(module)}`;
}
