import { basename, join } from 'node:path';
import { environmentFailed } from '../../core/errors.ts';
import { writeRunFile } from '../../experiment/run-folder.ts';
import { makeFolders } from '../../regions/store/make-folders.ts';
import type { CellRun } from '../../report/cell-run.ts';
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

/** The run of a cell, and what else was kept of it. */
export interface KeptCell extends CellRun {
  readonly facts: unknown;
}

/** Folder with the runs of the cells. */
export const RUNS = 'runs';
/** Folder with a file for each cell: its run and the version of the program. Figures come from the run's report. */
export const CELLS = 'cells';

/** Makes the folder of cells; `typed` is the value of `--folder`. Throws ENVIRONMENT_FAILED. */
export async function makeCellFolder(folder: string, typed: string): Promise<void> {
  await makeFolders(join(folder, CELLS)).catch((error: Error) => {
    throw environmentFailed(
      `cannot write to ${typed}: ${error.message}`,
      'choose another folder with --folder',
      error,
    );
  });
}

/** The kept run of a cell; undefined if none can be read. */
export async function readKeptCell(folder: string, measured: Measured): Promise<KeptCell | undefined> {
  try {
    const { program, run, facts } = JSON.parse(await readTextFile(join(folder, CELLS, fileOf(measured))));
    if (!isRunFolder(run)) return undefined;
    return { program, report: await readReport(join(folder, RUNS, run), folder), facts };
  } catch {
    return undefined;
  }
}

/** Keeps the run of a cell, with facts that its report does not have. */
export async function keepCell(
  folder: string,
  measured: Measured,
  { report, facts }: Pick<CellRun, 'report'> & { readonly facts?: object },
): Promise<void> {
  const kept = { program: VERSION, run: basename(report.folder), ...(facts && { facts }) };
  await writeRunFile(join(folder, CELLS), fileOf(measured), JSON.stringify(kept));
}

/** The name has everything that may differ between two matrices in one folder, so that neither overwrites the other. */
function fileOf({ plan, instead }: Measured): string {
  const { scenario, strategy, seed } = plan;
  return `${[scenario, strategy, String(seed), ...instead].map(encodeURIComponent).join('--')}.json`;
}
