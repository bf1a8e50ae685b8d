import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { describeWriter } from '../../experiment/run-writer.ts';
import type { RunReport } from '../../report/report.ts';
import { ERROR_FILE, generousClaims, parseRunError } from '../../report/run-error.ts';
import { parseReport } from '../../report/schema.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { recordsIn } from './first-record.ts';
import { historyFilesOf, historyWords } from './history-files.ts';
import { readTextFile } from './read-file.ts';
import { isRunFolder, newestRun, REPORTS } from './run-names.ts';

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

/** A run with a report that this version cannot read. */
export interface UnreadRun {
  readonly folder: string;
  readonly why: string;
}

/**
 * Reads the report of a run, given its folder, the file, the name of a folder under `reports/`, or what follows the
 * time in that name, like `bench-1`, which means the newest. Throws INVALID_REPORT.
 */
export async function readRun(nameOrPath: string, cwd: string): Promise<KeptRun> {
  const { text, name, folder } = await readText(nameOrPath, cwd);
  return { report: parseReport(text, name), folder };
}

/**
 * The same of a run whose verdict is asked for. The link `latest` stands for the newest run, so none beside it may be newer
 * and without a report. Throws INVALID_REPORT.
 */
export async function readJudgedRun(nameOrPath: string, cwd: string): Promise<KeptRun> {
  const run = await readRun(nameOrPath, cwd);
  if (basename(nameOrPath) !== basename(LATEST_RUN)) return run;
  const [reports, own] = [dirname(nameOrPath), basename(await realpath(run.folder))];
  const newer = (await readdir(resolve(cwd, reports))).filter((name) => isRunFolder(name) && name > own);
  const unended = newer.find((name) => !existsSync(resolve(cwd, reports, name, 'report.json')));
  if (unended === undefined) return run;
  const path = join(reports, unended);
  const { message, hint } = await withoutReport(path, resolve(cwd, path));
  throw new OpenclawError('INVALID_REPORT', `${message}; it is newer than ${nameOrPath}`, {
    hint: `${hint ?? 'remove it'}\n  or name the folder of an older run`,
  });
}

/** As `readRun`, but says why if there is a report that cannot be read. Throws INVALID_REPORT if there is none. */
export async function readRunOrWhy(nameOrPath: string, cwd: string): Promise<KeptRun | UnreadRun> {
  const { text, name, folder } = await readText(nameOrPath, cwd);
  try {
    return { report: parseReport(text, name), folder };
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    return { folder: nameOrPath, why: error.message.replace(`${name}: `, '') };
  }
}

/** The text of a report, the name of its file for messages, and its folder. */
async function readText(nameOrPath: string, cwd: string) {
  const run = existsSync(resolve(cwd, nameOrPath)) ? nameOrPath : (newestRun(nameOrPath, cwd) ?? nameOrPath);
  const path = resolve(cwd, run);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw await withoutRun(run, cwd);
  const isFolder = found.isDirectory();
  const records = found.isFile() ? await recordsIn(path) : undefined;
  if (records !== undefined) throw noRun(run, records);
  if (isFolder && !existsSync(join(path, 'report.json'))) throw await withoutReport(run, path);
  const [file, name] = isFolder ? [join(path, 'report.json'), join(run, 'report.json')] : [path, run];
  const text = await readTextFile(file).catch((error: Error) => {
    throw new OpenclawError('INVALID_REPORT', `${name}: ${error.message}`);
  });
  return { text, name, folder: dirname(file) };
}

/** The link `latest` is made with the first report: without one, the newest run says why it has none. */
async function withoutRun(run: string, cwd: string): Promise<OpenclawError> {
  const none = new OpenclawError('INVALID_REPORT', `${run}: there is no such run`);
  if (basename(run) !== basename(LATEST_RUN)) return none;
  const reports = dirname(run);
  const names = await readdir(resolve(cwd, reports)).catch(() => []);
  const newest = names.filter(isRunFolder).toSorted().at(-1);
  if (newest === undefined) return none;
  const path = join(reports, newest);
  return withoutReport(path, resolve(cwd, path));
}

/** Of a file that belongs to a run, or to `verify`. */
function noRun(name: string, records: 'history' | 'certificate'): OpenclawError {
  const file = quotedForShell(name);
  const hints = {
    history: `to judge it: openclaw-rl check ${file}\n  to verify its certificate: openclaw-rl verify --certificate <file> ${file}`,
    certificate: `to verify it: openclaw-rl verify --certificate ${file} <history...>`,
  };
  return new OpenclawError('INVALID_REPORT', `${name}: it is a ${records}; expected the folder of a run`, {
    hint: hints[records],
  });
}

/** Says why there is none, and what to do with what was recorded. */
async function withoutReport(run: string, path: string): Promise<OpenclawError> {
  const writer = await describeWriter(path);
  if (writer !== undefined)
    return new OpenclawError('INVALID_REPORT', `${run}: there is no report yet: ${writer}`, {
      hint: 'wait until that program has ended',
    });
  const [plan, errorText] = await Promise.all([textIn(path, 'plan.json'), textIn(path, ERROR_FILE)]);
  const error = parseRunError(errorText);
  const isRecorded = historyFilesOf(path).length > 0;
  if (!isRecorded && plan === '' && error === undefined)
    return new OpenclawError('INVALID_REPORT', `${run}: this is not the folder of a run`);
  if (!isRecorded && error === undefined)
    return new OpenclawError('INVALID_REPORT', `${run}: this run ended before anything was recorded`);
  const why = error === undefined ? 'the run did not end' : `the run failed: ${error.message}`;
  const again = error === undefined ? 'run it again' : `run it again: ${error.command}`;
  const check = `openclaw-rl check ${historyWords(path)
    .map((word) => word.replace(path, run))
    .join(' ')}`;
  const generous = generousClaims(plan);
  const judge =
    generous.length === 0
      ? `judge what was recorded: ${check}`
      : `${again}\n  ${check} judges what was recorded as if nothing were allowed; this run claims: ${generous.join('; ')}`;
  return new OpenclawError('INVALID_REPORT', `${run}: there is no report: ${why}`, {
    hint: isRecorded ? judge : again,
  });
}

async function textIn(folder: string, name: string): Promise<string> {
  return readTextFile(join(folder, name)).catch(() => '');
}
