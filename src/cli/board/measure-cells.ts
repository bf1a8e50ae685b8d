import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { exitOf, OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { isPluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { isWantedRun } from '../../report/cell-run.ts';
import type { RunReport } from '../../report/report.ts';
import { makeScoreboardCell, notRunCell } from '../../report/scoreboard/make-cell.ts';
import type { CellHistory, ScoreboardCell } from '../../report/scoreboard/scoreboard.ts';
import { historyFilesOf } from '../files/history-files.ts';
import { type KeptCell, keepCell, readKeptCell } from '../files/kept-cells.ts';
import { typedCommand } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { VERSION } from '../process/version.ts';
import { type CellFlags, dropHistory, hasCertificate, measureCell } from '../runs/cell-run.ts';
import { insteadOf, wordsOf } from '../runs/cell-words.ts';
import { lackOf } from './board-limiter.ts';
import { limiterDigest } from './limiter-digest.ts';
import { commandOf, type PlannedCell } from './plan-cells.ts';
import type { TimeLeft } from './time-left.ts';

export interface MeasuredBy {
  /** An absolute path. */
  readonly folder: string;
  readonly flags: CellFlags;
  /** Whether cells that are kept with too little evidence are measured once more; `all`: every cell. */
  readonly again: 'none' | 'unknown' | 'all';
  readonly environment: Environment;
  readonly time: TimeLeft;
  /** Why limiters of this command could not start, by id: their other cells are not tried. */
  readonly failed: Map<string, string>;
}

type RunnableCell = Extract<PlannedCell, { readonly plan: unknown }>;

/** The kept result of a cell, or a new one. `which` is its place among all, for the log. */
export async function cellOf(planned: PlannedCell, which: string, by: MeasuredBy): Promise<ScoreboardCell> {
  const { id } = planned.limiter.row;
  const { scenario } = planned;
  if ('reason' in planned) return notRunCell(id, scenario, planned.reason);
  const kept = await keptCellOf(planned, by);
  if (kept !== undefined) return kept;
  const lack = by.failed.get(id);
  if (lack !== undefined) return notRunCell(id, scenario, lack);
  by.environment.log(`${which}: ${printable(id)} in ${scenario}${by.time.text()}\n`);
  try {
    return await by.time.measured(() => newCell(planned, by));
  } catch (error) {
    const reason = whyNotRun(error, planned, by);
    if (isOfLimiter(error)) by.failed.set(id, `it could not be started in ${scenario}: ${reason}`);
    return notRunCell(id, scenario, reason);
  }
}

async function keptCellOf(planned: RunnableCell, by: MeasuredBy): Promise<ScoreboardCell | undefined> {
  const { folder, flags, again } = by;
  const before = again === 'all' ? undefined : await readKeptCell(folder, measuredOf(planned, by));
  if (before === undefined || !isWanted(before, planned)) return undefined;
  if (flags.certificate && !hasCertificate(before.report)) return undefined;
  const history = (before.facts as Facts).history;
  const cell = makeScoreboardCell(before.report, { limiter: planned.limiter.row, history });
  return again === 'unknown' && cell.status === 'unknown' ? undefined : cell;
}

/** What is kept of a cell besides its run. */
interface Facts {
  readonly version: string;
  readonly code?: string;
  readonly history: CellHistory;
}

function isWanted(kept: KeptCell, { plan, limiter }: RunnableCell): boolean {
  const { version, code, history } = (kept.facts ?? {}) as Partial<Facts>;
  if (history === undefined || version !== limiter.row.version || code !== limiter.row.code) return false;
  return kept.report.promise === limiter.row.promise && isWantedRun(kept, { plan, program: VERSION });
}

async function newCell(planned: RunnableCell, by: MeasuredBy): Promise<ScoreboardCell> {
  const { folder, flags, environment } = by;
  const { plan, limiter, promise } = planned;
  const commandLine = [...commandOf(planned), ...wordsOf(flags)];
  const command = typedCommand({ commandLine }, plan.seed);
  const request = { plan, command, flags, folder, ...given({ promise }) };
  const report = await measureCell(request, environment).catch((error: unknown) => {
    if (!isOfLimiter(error)) throw error;
    environment.log(`${printable(error.message)}; trying once more\n`);
    return measureCell(request, environment);
  });
  if (await hasChanged(limiter)) {
    await dropHistory(report);
    throw new OpenclawError('INVALID_OPTION', CHANGED);
  }
  const history = await historyOf(report);
  const cell = makeScoreboardCell(report, { limiter: limiter.row, history });
  if (environment.interrupt.aborted) return cell; // incomplete: not kept
  const { version, code } = limiter.row;
  const facts: Facts = { version, ...given({ code }), history };
  await keepCell(folder, measuredOf(planned, by), { report, facts });
  const isProof = cell.status === 'broken' || cell.status === 'exceeded';
  if (!isProof && !flags.certificate) await dropHistory(report);
  return cell;
}

const CHANGED = 'its code changed while it was measured: run the same command again';

/** Whether its files are not those of its row any more: then nothing says which of them decided. */
async function hasChanged({ by, row }: RunnableCell['limiter']): Promise<boolean> {
  return 'plugin' in by && (await limiterDigest(by.plugin.file)) !== row.code;
}

function measuredOf({ plan }: RunnableCell, { flags, environment }: MeasuredBy) {
  return { plan, instead: insteadOf(flags, environment.env) };
}

/** Of its files, one after another. */
async function historyOf({ folder, files }: RunReport): Promise<CellHistory> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const file of historyFilesOf(folder))
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  const operations = files.reduce((sum, file) => sum + file.operations, 0);
  return { sha256: hash.digest('hex'), bytes, operations };
}

/** A limiter that does not start is no failure of the board. Throws what is, as Ctrl-C and a missing server. */
function whyNotRun(error: unknown, { limiter }: RunnableCell, { environment, time }: MeasuredBy): string {
  if (environment.interrupt.aborted || !(error instanceof OpenclawError)) throw error;
  if (exitOf(error.code) === 'environment' && time.count === 0) throw error; // as it may be in every cell
  return 'plugin' in limiter.by ? lackOf(limiter.by.plugin.file, error) : printable(error.message);
}

function isOfLimiter(error: unknown): error is OpenclawError {
  return error instanceof OpenclawError && error.code === 'INVALID_OPTION' && isPluginName(error.message);
}
