import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { writeRunFile } from '../../experiment/run-folder.ts';
import { describeWriter, dropWriter, noteWriter } from '../../experiment/run-writer.ts';
import type { Ground } from '../../hunt/ground.ts';
import type { HuntDocument } from '../../hunt/hunt-document.ts';
import { renderHuntMarkdown } from '../../hunt/hunt-text.ts';
import { makeFolders } from '../../regions/store/make-folders.ts';
import { HuntJournal } from '../files/hunt-journal.ts';
import {
  checkHuntedFaults,
  checkHuntedPromise,
  groundOfFlags,
  type HuntFlags,
} from '../flags/hunt-options.ts';
import { jsonText } from '../output/output.ts';
import { typedCommand } from '../output/typed-command.ts';
import { choosePlugin } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { VERSION } from '../process/version.ts';
import { showHunt } from '../screen/hunt-progress.ts';
import { type Hunted, RunningHunt } from './running-hunt.ts';

/**
 * Searches, shrinks, confirms, and writes the results into the folder of the hunt. Undefined if a signal ended it: what was
 * tried is in the journal. Throws INVALID_OPTION, ENVIRONMENT_FAILED, SERVER_MISSING.
 */
export async function hunt(flags: HuntFlags, environment: Environment): Promise<HuntDocument | undefined> {
  const plugin = await choosePlugin(flags, environment);
  checkHuntedPromise(plugin);
  const ground = groundOfFlags(flags, plugin);
  checkHuntedFaults(flags, ground);
  const isReal = flags.real === true || plugin !== undefined;
  const strategy = plugin === undefined ? ground.strategy : pluginName(plugin.file);
  const typed = flags.folder ?? join('reports', 'hunt', `${strategy.replace(/^plugin:/, '')}-${flags.seed}`);
  const folder = resolve(environment.cwd, typed);
  await takeFolder(folder, typed);
  try {
    const journal = new HuntJournal(folder, await identityOf(ground, { flags, isReal }));
    const hunted: Hunted = { flags, ground, isReal, journal, folder, typed, title: titleOf(strategy, flags) };
    const { failed, worst, ...counted } = await play(hunted, environment).finally(() => journal.close());
    if (environment.interrupt.aborted) {
      const where = printable(typed);
      environment.log(
        `interrupted after ${counted.schedules} schedules, which are in ${where}; the same command resumes\n`,
      );
      return undefined;
    }
    const document: HuntDocument = {
      ...{ format: 'openclaw-hunt', version: 1, program: `openclaw-rl ${VERSION}` },
      command: typedCommand(environment, flags.seed),
      ...{ strategy, policy: ground.policy, seed: flags.seed, for: flags.for },
      searched: isReal ? 'real' : 'simulated',
      ...{ ...counted, worst, failed },
    };
    await writeRunFile(folder, 'hunt.json', jsonText(document));
    await writeRunFile(folder, 'hunt.md', renderHuntMarkdown(document));
    return document;
  } finally {
    await dropWriter(folder);
  }
}

/** Plays the stages of a hunt. All that it starts is ended. */
async function play(hunted: Hunted, environment: Environment) {
  const running = new RunningHunt(hunted, environment);
  const screen = showHunt(environment, () => running.look());
  try {
    const best = await running.search();
    const kept = await running.shrinkAll(best);
    return await running.results(kept);
  } finally {
    screen.close();
    await running.close();
  }
}

/** Makes the folder, and names this program as the one that writes it. Throws ENVIRONMENT_FAILED. */
async function takeFolder(folder: string, typed: string): Promise<void> {
  const other = 'choose another folder with --folder';
  try {
    await makeFolders(folder);
    const writer = await describeWriter(folder);
    if (writer !== undefined)
      throw environmentFailed(`${typed}: ${writer}`, `wait until that hunt ends, or ${other}`);
    await noteWriter(folder);
  } catch (error) {
    if (error instanceof OpenclawError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw environmentFailed(`cannot write to ${typed}: ${why}`, other, error);
  }
}

/** What makes two hunts the same: a journal of one continues the other. */
async function identityOf(
  ground: Ground,
  { flags, isReal }: { readonly flags: HuntFlags; readonly isReal: boolean },
): Promise<object> {
  const { seed, mostFaults, fault, provider, server, for: aim } = flags;
  const { limiter } = ground;
  return {
    ...{ program: VERSION, searched: isReal ? 'real' : 'simulated', ...ground, seed, for: aim },
    ...given({ mostFaults, fault, limiterDigest: limiter && (await digestOf(limiter)) }),
    ...(isReal && { provider, ...given({ server }) }),
  };
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

function titleOf(strategy: string, { seed }: HuntFlags): string {
  return printable(`hunt ${strategy}, seed ${seed}`);
}
