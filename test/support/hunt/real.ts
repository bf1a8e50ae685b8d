import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { StrategyName } from '../../../src/core/strategies.ts';
import type { Ground } from '../../../src/hunt/ground.ts';
import { type Schedule, scenarioOf } from '../../../src/hunt/schedule.ts';
import type { RunReport } from '../../../src/report/report.ts';
import { startProgram, testFolder } from '../cli.ts';
import { ALTERABLE, alteredProgram } from '../simulated/altered-program.ts';
import type { Rule } from '../simulated/lease-rules.ts';
import type { Altered } from '../simulated/patches.ts';
import type { Broken } from './broken.ts';

export interface RealVerdict {
  readonly verdict: string;
  /** Tokens, over all buckets. */
  readonly excess: number;
  readonly runs: number;
}

const MOST_RUNS = 3;

/** The strategies that do not wait for replicas, in place of a limiter whose WAIT is left out. */
const WITHOUT_WAIT: Readonly<Record<string, StrategyName>> = {
  grantsAreAcked: 'lease-unacked',
  'acked without WAIT': 'central',
};

/** Whether a limiter that is broken like this can run on real nodes. No file says that regions have a Redis of their own. */
export function canBeReal({ name, plant, ground }: Broken): boolean {
  if (ground.topology.apart) return false;
  return plant === undefined || name in WITHOUT_WAIT || 'scripts' in plant || isAlterable(name);
}

const isAlterable = (name: string): name is Rule => ALTERABLE.some((rule) => rule === name);

function alterationOf({ name, plant }: Broken): Rule | Altered | undefined {
  if (plant === undefined || name in WITHOUT_WAIT) return undefined;
  return 'scripts' in plant ? plant : isAlterable(name) ? name : undefined;
}

/** Runs a schedule on real nodes until it is convicted, three times at most: on a busy machine loads and faults are late. */
export async function runReal(broken: Broken, schedule: Schedule): Promise<RealVerdict> {
  const folder = testFolder();
  const strategy = WITHOUT_WAIT[broken.name];
  const ground: Ground = { ...broken.ground, ...(strategy && { strategy, above: 'nothing' }) };
  const program = alteredProgram(folder, alterationOf(broken));
  const cwd = join(folder, 'runs');
  const { file, text } = scenarioOf(ground, schedule);
  writeFileSync(join(cwd, file), text);
  for (let runs = 1; ; runs++) {
    const { ended, output } = startProgram(program, ['run', file, '--json'], {
      cwd,
      onFinished: onTestFinished,
    });
    await ended;
    const { verdict, overAdmission }: Pick<RunReport, 'verdict' | 'overAdmission'> =
      output.stdout === ''
        ? {
            verdict: 'unknown',
            overAdmission: { total: 0, buckets: 0, findings: [], totalExcess: 0, largestExcess: 0 },
          }
        : JSON.parse(output.stdout);
    if (verdict === 'fail' || runs === MOST_RUNS) return { verdict, excess: overAdmission.totalExcess, runs };
  }
}
