import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { describeWriter, WRITER_FILE } from '../../experiment/run-writer.ts';
import type { ClusterStore } from '../../regions/store/cluster-store.ts';
import { ERROR_FILE } from '../../report/run-error.ts';
import { HTML_FILE } from '../output/html-file.ts';
import { CERTIFICATE_FILE } from './certificate-file.ts';
import { CELLS } from './kept-cells.ts';
import { isRunFolder } from './run-names.ts';

/** All that a run leaves in its folder. What has anything else may be of the user, and is no run to remove. */
const WRITTEN_BY_RUNS: ReadonlySet<string> = new Set([
  ...['plan.json', 'history.ndjson', 'history.ndjson.gz', 'parts'],
  ...['report.json', 'report.md', 'junit.xml', HTML_FILE, CERTIFICATE_FILE, ERROR_FILE],
  ...['logs', 'faults', WRITER_FILE],
]);
/** What a program that was killed left of one of them. */
const UNFINISHED = /^(?:\.(.+)\.unfinished|(.+)\.\d+\.part)$/;

/** The folder with the runs by its real path; undefined if there is none. Throws INVALID_OPTION if it is no folder. */
export async function openReports(reports: string, cwd: string): Promise<string | undefined> {
  try {
    const folder = await realpath(resolve(cwd, reports));
    await readdir(folder);
    return folder;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw invalidOption(`--reports: ${reports}: ${message}`);
  }
}

/** A folder that has the name of a run and is none, or may be none. */
interface NoRun {
  readonly name: string;
  readonly reason: string;
}

interface FoundRuns {
  /** The names of the runs, the newest first: names begin with the time of their run. */
  readonly runs: readonly string[];
  readonly others: readonly NoRun[];
}

/** The folder of a run: its name in the real path of the folder with the runs. */
export interface RunPlace {
  readonly reports: string;
  readonly name: string;
}

/** Every folder with the name of a run. */
export async function findRuns(reports: string): Promise<FoundRuns> {
  const names = (await readdir(reports)).filter(isRunFolder).sort().reverse();
  const runs: string[] = [];
  const others: NoRun[] = [];
  for (const name of names) {
    const reason = await whyNoRun({ reports, name });
    if (reason === undefined) runs.push(name);
    else others.push({ name, reason });
  }
  return { runs, others };
}

/** Why a folder is not that of a run, or may be of the user; undefined if it is one, or is gone. */
export async function whyNoRun({ reports, name }: RunPlace): Promise<string | undefined> {
  const path = join(reports, name);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.isSymbolicLink()) return 'it is a symbolic link';
  if (!found.isDirectory()) return 'it is no folder';
  const files = await readdir(path).catch((error: NodeJS.ErrnoException) => error);
  if (files instanceof Error) return `it cannot be read: ${files.code}`;
  if (files.length === 0) return 'it is empty';
  const other = files.find((file) => {
    const [, unfinished, part] = UNFINISHED.exec(file) ?? [];
    return !WRITTEN_BY_RUNS.has(unfinished ?? part ?? file);
  });
  return other === undefined ? undefined : `it has a file that no run writes: ${printable(other)}`;
}

/**
 * Why a run in a folder has to stay; undefined if nothing needs it. The program that writes it is looked at first: when
 * that has ended, it no longer changes what is looked at after it. Throws ENVIRONMENT_FAILED if some of
 * it cannot be read.
 */
export async function whyNeeded(
  { reports, name }: RunPlace,
  store: ClusterStore,
): Promise<string | undefined> {
  const writer = await describeWriter(join(reports, name));
  if (writer !== undefined) return writer;
  if (await isLatest(reports, name)) return '`latest` links to it';
  const cluster = await clusterWithRun(name, store);
  if (cluster !== undefined) return `it is the last run on cluster ${cluster}, which has its buckets`;
  return (await isInCell(reports, name)) ? 'one of its cells needs it' : undefined;
}

async function isLatest(reports: string, name: string): Promise<boolean> {
  const [latest, run] = await Promise.all(
    ['latest', name].map((each) =>
      stat(join(reports, each)).catch(goneOr(join(reports, each), LATEST_AGAIN)),
    ),
  );
  return latest !== undefined && run !== undefined && latest.ino === run.ino && latest.dev === run.dev;
}

const LATEST_AGAIN = 'remove it; bench, chaos and run make the link again';

/** Undefined for what is not there. Throws ENVIRONMENT_FAILED if it cannot be seen whether it needs a run. */
function goneOr(path: string, orElse: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw environmentFailed(`${path} cannot be read: ${error.code}`, `make it readable, or ${orElse}`, error);
  };
}

/** The name of the cluster whose buckets are of this run. */
async function clusterWithRun(name: string, store: ClusterStore): Promise<string | undefined> {
  for (const cluster of await store.names()) {
    const prefix = (await store.read(cluster))?.lastRun?.prefix;
    if (prefix?.endsWith(`:${name}`)) return cluster;
  }
  return undefined;
}

/** Whether the folder is that of a matrix or a scoreboard, and one of its cells is this run. */
async function isInCell(reports: string, name: string): Promise<boolean> {
  const cells = join(dirname(reports), CELLS);
  const files = (await readdir(cells).catch(goneOr(cells, NO_MATRIX))) ?? [];
  for (const file of files.filter((each) => each.endsWith('.json'))) {
    const path = join(cells, file);
    const text = await readFile(path, 'utf8').catch(goneOr(path, NO_MATRIX));
    if (text?.includes(JSON.stringify(name))) return true;
  }
  return false;
}

const NO_MATRIX = 'remove it if it is not of a matrix or a scoreboard';
