import { existsSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import type { RunReport } from '../../report/report.ts';
import { parseReport } from '../../report/schema.ts';
import { readTextFile } from './read-file.ts';

const REPORTS = 'reports';
export const LATEST_RUN = `${REPORTS}/latest`;

/** A kept run: its report, and the folder that holds it. */
export interface KeptRun {
  readonly report: RunReport;
  readonly folder: string;
}

/** The report of a run, see `readRun`. Throws INVALID_REPORT. */
export async function readReport(nameOrPath: string, cwd: string): Promise<RunReport> {
  return (await readRun(nameOrPath, cwd)).report;
}

/**
 * Reads the report of a run, given its folder, the file, or the end of a name under `reports/`, like `bench-1`, which
 * means the newest. Throws INVALID_REPORT.
 */
export async function readRun(nameOrPath: string, cwd: string): Promise<KeptRun> {
  const run = existsSync(resolve(cwd, nameOrPath)) ? nameOrPath : (newestRun(nameOrPath, cwd) ?? nameOrPath);
  const path = resolve(cwd, run);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => undefined,
  );
  if (isFolder === undefined) throw new OpenclawError('INVALID_REPORT', `${run}: there is no such run`);
  if (isFolder && !existsSync(join(path, 'report.json'))) throw withoutReport(run, path);
  const [file, name] = isFolder ? [join(path, 'report.json'), join(run, 'report.json')] : [path, run];
  const text = await readTextFile(file).catch((error: Error) => {
    throw new OpenclawError('INVALID_REPORT', `${name}: ${error.message}`);
  });
  return { report: parseReport(text, name), folder: dirname(file) };
}

/** Whether this is a name of a run's folder. */
export function isRunFolder(name: string): boolean {
  return /^\d{8}T\d{9}Z-/.test(name);
}

/** Names begin with the time of their run: the last one in order is the newest. */
function newestRun(name: string, cwd: string): string | undefined {
  const reports = resolve(cwd, REPORTS);
  const names = existsSync(reports) ? readdirSync(reports) : [];
  const found = names.filter((folder) => isRunFolder(folder) && folder.slice(20) === name);
  const newest = found.sort().at(-1);
  return newest === undefined ? undefined : join(REPORTS, newest);
}

function withoutReport(run: string, path: string): OpenclawError {
  const isRun = existsSync(join(path, 'plan.json'));
  if (!existsSync(join(path, 'history.ndjson')))
    return new OpenclawError(
      'INVALID_REPORT',
      isRun
        ? `${run}: this run ended before anything was recorded`
        : `${run}: this is not the folder of a run`,
    );
  return new OpenclawError('INVALID_REPORT', `${run}: there is no report: the run did not end`, {
    hint: `judge what was recorded: openclaw-rl check ${join(run, 'history.ndjson')}`,
  });
}
