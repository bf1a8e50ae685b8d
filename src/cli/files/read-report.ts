import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import type { RunReport } from '../../report/report.ts';
import { parseReport } from '../../report/schema.ts';
import { readTextFile } from './read-file.ts';
import { newestRun, REPORTS } from './run-names.ts';

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
