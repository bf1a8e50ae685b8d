import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import type { RunReport } from '../report/report.ts';
import { parseReport } from '../report/schema.ts';

export const LATEST_RUN = 'reports/latest';

/** Reads the report of a run: of its folder, or of the file itself. Throws INVALID_REPORT. */
export async function readReport(run: string, cwd: string): Promise<RunReport> {
  const path = resolve(cwd, run);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => undefined,
  );
  if (isFolder === undefined) throw new OpenclawError('INVALID_REPORT', `${run}: there is no such run`);
  const [file, name] = isFolder ? [join(path, 'report.json'), join(run, 'report.json')] : [path, run];
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no report: the run did not end' : error.message;
    throw new OpenclawError('INVALID_REPORT', `${name}: ${why}`, {
      hint: `judge what was recorded: openclaw-rl check ${join(run, 'history.ndjson')}`,
    });
  });
  return parseReport(text, name);
}
