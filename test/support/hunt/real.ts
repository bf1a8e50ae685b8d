import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Schedule, scenarioOf } from '../../../src/hunt/schedule.ts';
import type { RunReport } from '../../../src/report/report.ts';
import { startProgram, testFolder } from '../cli.ts';
import { ALTERABLE, alteredProgram } from '../simulated/altered-program.ts';
import type { Rule } from '../simulated/lease-rules.ts';
import type { Broken } from './broken.ts';

export interface RealVerdict {
  readonly verdict: string;
  /** Tokens, over all buckets. */
  readonly excess: number;
  readonly runs: number;
}

const MOST_RUNS = 3;

/** Whether a limiter that is broken like this can run on real nodes. */
export function canBeReal({ name, plant }: Pick<Broken, 'name' | 'plant'>): boolean {
  return plant === undefined || (isAlterable(name) && name !== 'grantsAreAcked');
}

const isAlterable = (name: string): name is Rule => ALTERABLE.some((rule) => rule === name);

/** Runs a schedule on real nodes until it is convicted, three times at most: on a busy machine loads and faults are late. */
export async function runReal(broken: Broken, schedule: Schedule): Promise<RealVerdict> {
  const folder = testFolder();
  const { name, ground, plant } = broken;
  const program = alteredProgram(folder, plant !== undefined && isAlterable(name) ? name : undefined);
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
