import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeRunFile } from '../experiment/run-folder.ts';
import { cellOf, type MatrixCell } from '../report/matrix.ts';
import type { RunReport } from '../report/report.ts';
import type { Plan } from '../scenario/plan.ts';
import { readTextFile } from './read-file.ts';
import { isRunFolder, readReport } from './read-report.ts';
import { VERSION } from './version.ts';

/** What a cell was measured of. */
export interface Measured {
  readonly plan: Plan;
  /** What was asked for instead of the usual: a provider, a server, an image. */
  readonly instead: readonly string[];
}

/** The runs of a matrix are kept in here, as any others. */
export const RUNS = 'runs';
/** And which of them a cell is of, in here: a file for each, with the program that made it. */
export const CELLS = 'cells';

/** The cell of a run that this program made of the same plan before; undefined where there is none that can be read. */
export async function readKeptCell(folder: string, measured: Measured): Promise<MatrixCell | undefined> {
  try {
    const { program, run } = JSON.parse(await readTextFile(join(folder, CELLS, fileOf(measured))));
    if (program !== VERSION || !isRunFolder(run)) return undefined;
    const report = await readReport(join(folder, RUNS, run), folder);
    return isDeepStrictEqual(report.plan, asWritten(measured.plan)) ? cellOf(report) : undefined;
  } catch {
    return undefined;
  }
}

export async function keepCell(folder: string, measured: Measured, report: RunReport): Promise<void> {
  const kept = { program: VERSION, run: basename(report.folder) };
  await writeRunFile(join(folder, CELLS), fileOf(measured), JSON.stringify(kept));
}

/** What may differ between two matrices in one folder is in the name, so that neither takes the other's place. */
function fileOf({ plan, instead }: Measured): string {
  const { scenario, strategy, seed } = plan;
  return `${[scenario, strategy, String(seed), ...instead].map(encodeURIComponent).join('--')}.json`;
}

/** A plan as JSON gives it back. */
function asWritten(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan));
}
