import { basename, join } from 'node:path';
import { writeRunFile } from '../../experiment/run-folder.ts';
import type { KeptCell } from '../../report/matrix.ts';
import type { RunReport } from '../../report/report.ts';
import type { Plan } from '../../scenario/plan.ts';
import { VERSION } from '../process/version.ts';
import { readTextFile } from './read-file.ts';
import { readReport } from './read-report.ts';
import { isRunFolder } from './run-names.ts';

/** The subject of a cell. */
export interface Measured {
  readonly plan: Plan;
  /** The provider, server and image that replace the defaults. */
  readonly instead: readonly string[];
}

/** Folder with the runs of a matrix. */
export const RUNS = 'runs';
/** Folder with a file for each cell: its run and the version of the program. Figures come from the run's report. */
export const CELLS = 'cells';

/** The kept run of a cell; undefined if none can be read. */
export async function readKeptCell(folder: string, measured: Measured): Promise<KeptCell | undefined> {
  try {
    const { program, run } = JSON.parse(await readTextFile(join(folder, CELLS, fileOf(measured))));
    if (!isRunFolder(run)) return undefined;
    return { program, report: await readReport(join(folder, RUNS, run), folder) };
  } catch {
    return undefined;
  }
}

export async function keepCell(folder: string, measured: Measured, report: RunReport): Promise<void> {
  const kept = { program: VERSION, run: basename(report.folder) };
  await writeRunFile(join(folder, CELLS), fileOf(measured), JSON.stringify(kept));
}

/** The name has everything that may differ between two matrices in one folder, so that neither overwrites the other. */
function fileOf({ plan, instead }: Measured): string {
  const { scenario, strategy, seed } = plan;
  return `${[scenario, strategy, String(seed), ...instead].map(encodeURIComponent).join('--')}.json`;
}
