import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { cannotWrite, writeRunFile } from '../../experiment/run-folder.ts';
import type { Ground } from '../../hunt/ground.ts';
import { outcomeText } from '../../hunt/hunt-text.ts';
import type { Aim, Outcome } from '../../hunt/outcome.ts';
import { type Schedule, scenarioOf } from '../../hunt/schedule.ts';
import { quotedForShell } from '../output/typed-command.ts';

/** A scenario file that a hunt writes. */
export interface HuntedFile {
  readonly ground: Ground;
  readonly schedule: Schedule;
  /** Of the file, without `.yaml`. */
  readonly name: string;
  /** Absent: it has none. */
  readonly outcome?: Outcome;
  readonly searched: 'simulated' | 'real';
  readonly aim: Aim;
}

const SCENARIO = /^(worst|failed)-\d+\.yaml$/;

/** Removes the scenario files of an earlier command, of which there may be more. Throws ENVIRONMENT_FAILED. */
export async function removeScenarios(folder: string): Promise<void> {
  try {
    const names = (await readdir(folder)).filter((name) => SCENARIO.test(name));
    for (const name of names) await rm(join(folder, name));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Writes the scenario file of a schedule. Throws ENVIRONMENT_FAILED. */
export async function writeScenario(folder: string, file: HuntedFile): Promise<void> {
  const { ground, schedule, name, outcome, searched, aim } = file;
  const document = scenarioOf(ground, schedule, name);
  const verdict =
    outcome === undefined ? 'no outcome' : `${outcomeText(outcome, aim)}, verdict ${outcome.verdict}`;
  const head = `# Found by openclaw-rl hunt (${searched}): ${verdict}.\n`;
  await writeRunFile(folder, document.file, head + besidePlugin(document.text, ground, folder));
}

/** A scenario names its plug-in by the path from its own folder. */
function besidePlugin(text: string, { limiter }: Ground, folder: string): string {
  if (limiter === undefined) return text;
  const line = (path: string) => `"limiter": ${JSON.stringify(path)}`;
  return text.replace(line(`./${basename(limiter)}`), () => line(relative(folder, limiter)));
}

/** The command that runs a scenario file of the hunt. `folder`: as typed. */
export function runCommandOf(folder: string, name: string, { simulate = false } = {}): string {
  const file = quotedForShell(join(folder, `${name}.yaml`));
  return `openclaw-rl run ${file}${simulate ? ' --simulate' : ''}`;
}
