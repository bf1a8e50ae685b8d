import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exitOf, OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import type { ProviderName } from '../../regions/choose-provider.ts';
import type { RunReport } from '../../report/report.ts';
import { CERTIFICATE_FILE } from '../files/certificate-file.ts';
import { historyFilesOf } from '../files/history-files.ts';
import { RUNS } from '../files/kept-cells.ts';
import type { RunFlags } from '../flags/run-options.ts';
import type { Environment } from '../process/environment.ts';
import { keepReport, makeRun, type RunRequest } from './run-plan.ts';

/** The flags of a command that measures cells. */
export interface CellFlags extends Pick<RunFlags, 'loadProcesses' | 'simulate'> {
  readonly folder: string;
  readonly name: string;
  readonly provider: ProviderName;
  readonly server?: string;
  readonly certificate: boolean;
}

/** The run of a cell: its folder is below `folder`, an absolute path. */
export type CellRequest = Omit<RunRequest, 'flags'> & { readonly flags: CellFlags; readonly folder: string };

/**
 * Runs a plan, once more if the environment failed the first time, and keeps its report; with `certificate`
 * its proofs, too.
 */
export async function measureCell(
  { flags, folder, ...planned }: CellRequest,
  environment: Environment,
): Promise<RunReport> {
  const { name, provider, server, loadProcesses, simulate } = flags;
  const run = { name, provider, format: 'table', json: false, reports: join(folder, RUNS) } as const;
  const request = { ...planned, flags: { ...run, ...given({ server, loadProcesses, simulate }) } };
  const { report, page } = await makeRun(request, environment).catch((error: unknown) => {
    const isOver = error instanceof OpenclawError && exitOf(error.code) === 'environment';
    if (!isOver || environment.interrupt.aborted) throw error;
    environment.log(`${printable(error.message)}; trying once more\n`); // one failed start must not cost an hour's work
    return makeRun(request, environment);
  });
  try {
    await keepReport(report);
    if (flags.certificate && !environment.interrupt.aborted) await page.certify();
  } finally {
    await page.drop();
  }
  return report;
}

/** Whether the folder of a run has a certificate. */
export function hasCertificate({ folder }: Pick<RunReport, 'folder'>): boolean {
  return existsSync(join(folder, CERTIFICATE_FILE));
}

/** Deletes the history of a run, 10 to 20 MB. */
export async function dropHistory({ folder }: Pick<RunReport, 'folder'>): Promise<void> {
  for (const file of historyFilesOf(folder)) await rm(file, { force: true });
}
