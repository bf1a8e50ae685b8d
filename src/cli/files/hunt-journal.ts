import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import { sortedJson } from '../../core/sorted-json.ts';
import { cannotWrite } from '../../experiment/run-folder.ts';
import type { Outcome } from '../../hunt/outcome.ts';
import type { Schedule } from '../../hunt/schedule.ts';

const JOURNAL_FILE = 'journal.ndjson';

/** A line of the journal: a schedule and its outcome. */
interface Entry {
  readonly schedule: Schedule;
  readonly outcome: Outcome;
  /** Milliseconds since the hunt began, without the time between two commands. */
  readonly atMs: number;
}

/**
 * The outcomes of a hunt in a file, one line each, so that the same command continues a hunt that was interrupted. The
 * first line says which hunt it is. A last line that was cut short, by a kill or a full disk, is dropped.
 */
export class HuntJournal {
  readonly #folder: string;
  readonly #file: number;
  readonly #outcomes = new Map<string, Outcome>();
  /** Of the last outcome. */
  readonly elapsedMs: number;

  /** Throws INVALID_OPTION for the journal of another hunt, ENVIRONMENT_FAILED. */
  constructor(folder: string, hunt: object) {
    this.#folder = folder;
    const path = join(folder, JOURNAL_FILE);
    const { lines, wholeBytes } = linesOf(path);
    const header = sortedJson({ format: 'openclaw-hunt-journal', version: 1, hunt }) ?? '';
    const [found, ...entries] = lines;
    if (found !== undefined && found !== header) throw ofAnother(folder, { found, header });
    let elapsedMs = 0;
    for (const [at, line] of entries.entries()) {
      const { schedule, outcome, atMs } = entryOf(line, `line ${at + 2} of ${path}`);
      this.#outcomes.set(keyOf(schedule), outcome);
      elapsedMs = atMs;
    }
    this.elapsedMs = elapsedMs;
    try {
      if (wholeBytes !== undefined) truncateSync(path, wholeBytes);
      this.#file = openSync(path, 'a');
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    if (found === undefined) this.#write(header);
  }

  known(schedule: Schedule): Outcome | undefined {
    return this.#outcomes.get(keyOf(schedule));
  }

  /** Throws ENVIRONMENT_FAILED. */
  add(entry: Entry): void {
    this.#outcomes.set(keyOf(entry.schedule), entry.outcome);
    this.#write(JSON.stringify(entry));
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: string): void {
    try {
      writeSync(this.#file, `${line}\n`);
    } catch (error) {
      throw cannotWrite(this.#folder, error);
    }
  }
}

function entryOf(line: string, where: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    throw invalidOption(`${where} cannot be read`, ANOTHER_FOLDER);
  }
}

const ANOTHER_FOLDER = 'choose another folder with --folder, or remove this one';

function keyOf(schedule: Schedule): string {
  return createHash('sha256')
    .update(sortedJson(schedule) ?? '')
    .digest('base64');
}

/** The whole lines of a file; none if there is no file. `wholeBytes`: their length, if a cut line follows. */
function linesOf(path: string): { readonly lines: readonly string[]; readonly wholeBytes?: number } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lines: [] };
    throw cannotWrite(path, error);
  }
  const end = text.lastIndexOf('\n') + 1;
  const lines = text.slice(0, end).split('\n').slice(0, -1);
  return end === text.length ? { lines } : { lines, wholeBytes: Buffer.byteLength(text.slice(0, end)) };
}

/** Says what differs, so far as one word does. */
function ofAnother(folder: string, { found, header }: { readonly found: string; readonly header: string }) {
  const [before, now] = [huntIn(found), huntIn(header)];
  const differs = Object.keys({ ...before, ...now }).filter(
    (key) => sortedJson(before[key]) !== sortedJson(now[key]),
  );
  return invalidOption(
    `${folder} has the journal of another hunt: it differs in ${differs.join(', ') || 'its form'}`,
    ANOTHER_FOLDER,
  );
}

function huntIn(header: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(header) as { hunt?: Record<string, unknown> }).hunt ?? {};
  } catch {
    return {};
  }
}
