import { RecordError } from '../records/fields.ts';
import type { Header, Outcome } from '../records/operation.ts';
import { CONTROL_PART, type Part, partLabel } from '../records/part.ts';

/** The requests of one part. */
export interface PartBooks {
  /** The `sent` of its `end` record; absent if the file was cut short. */
  readonly sent?: number;
  /** What was recorded. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Requests of an open load that were due and never sent. */
  readonly dropped: number;
}

export interface FileOfPart {
  readonly file: string;
  /** Its name, or CONTROL_PART. */
  readonly part: string;
}

/** The file of a part. That of the control part has no requests. */
export interface PartFile extends PartBooks, FileOfPart {
  readonly machine: string;
  /** It has its `end` record. */
  readonly isComplete: boolean;
}

/**
 * Why a file is not judged: it is of another `plan` or `run`; `altered` after it was written; a `copy` of another file;
 * or `double`, which has other requests of a part that another file has, too.
 */
export type WhyLeftOut = 'plan' | 'run' | 'altered' | 'copy' | 'double';

export interface LeftOut extends FileOfPart {
  readonly why: WhyLeftOut;
}

/** The parts of a run whose load several processes have sent. */
export interface HistoryParts {
  readonly run: string;
  readonly plan: string;
  /** The names of all parts. */
  readonly of: readonly string[];
  /** Of the parts that send load. */
  readonly files: readonly PartFile[];
  /** Absent without a control part. */
  readonly control?: PartFile;
  /** Parts without a file. */
  readonly missing: readonly string[];
  /** Parts whose file has no `end` record. */
  readonly cutShort: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Machines whose clock no reading relates to that of the others. Filled in where clocks are computed. */
  readonly unrelated?: readonly string[];
  /** Whether the files have every request that the run has sent, and its faults if it has a control part. */
  readonly isWhole: boolean;
}

const NOTHING: PartBooks = { outcomes: { allowed: 0, denied: 0, failed: 0, info: 0 }, dropped: 0 };

/** Collects the parts of the files of a history. Throws RecordError for files that are not of one run. */
export class PartFiles {
  #first: Part | undefined;
  #hasControl = false;
  readonly #files = new Map<string, PartFile>();

  /** `isFirst`: the header of the history's first file. */
  add({ part }: Header, { file, isFirst }: { readonly file: string; readonly isFirst: boolean }): void {
    if (isFirst) this.#first = part;
    if ((part === undefined) !== (this.#first === undefined))
      throw new RecordError(
        `${part === undefined ? 'the file is no part of a run, and the first file is one' : 'the file is one part of a run, and the first file is none'}; give only the parts of one run`,
      );
    if (part === undefined) return;
    checkSameRun(part, this.#first as Part);
    const label = partLabel(part);
    if (this.#files.has(label))
      throw new RecordError(
        `${partText(label)} was read already, from another file; give one file of each part`,
      );
    this.#hasControl ||= part.control === true;
    this.#files.set(label, {
      file,
      part: label,
      machine: part.machine,
      isComplete: false,
      ...NOTHING,
    });
  }

  /** Adds the books of a part whose file was read. */
  close(part: Part, books: PartBooks): void {
    const label = partLabel(part);
    const file = this.#files.get(label);
    if (file !== undefined)
      this.#files.set(label, { ...file, ...books, isComplete: books.sent !== undefined });
  }

  /** Undefined for files that are no parts. */
  build(leftOut: readonly LeftOut[] = []): HistoryParts | undefined {
    if (this.#first === undefined) return undefined;
    const { run, plan, of } = this.#first;
    const all = [...this.#files.values()];
    const control = this.#files.get(CONTROL_PART);
    const files = all.filter((file) => file !== control);
    const expected = this.#hasControl ? [...of, CONTROL_PART] : of;
    const missing = expected.filter((name) => !this.#files.has(name));
    const cutShort = all.filter(({ isComplete }) => !isComplete).map(({ part }) => part);
    const isWhole = missing.length + cutShort.length === 0 && leftOut.every(({ why }) => why !== 'double');
    return { run, plan, of, files, ...(control && { control }), missing, cutShort, leftOut, isWhole };
  }
}

function checkSameRun(part: Part, first: Part): void {
  if (part.plan !== first.plan)
    throw new RecordError('its plan differs from that of the first file; all files must be of one run');
  if (part.run !== first.run)
    throw new RecordError(
      `it is of run ${part.run}, the first file of run ${first.run}; give the files of one run`,
    );
  if (!sameNames(part, first))
    throw new RecordError(
      'its list of parts differs from that of the first file; all files must be of one run',
    );
}

/** The files of all parts, with that of the control part. */
export function allFiles({ files, control }: Pick<HistoryParts, 'files' | 'control'>): readonly PartFile[] {
  return control === undefined ? files : [...files, control];
}

/** A part in a sentence. */
export function partText(label: string): string {
  return label === CONTROL_PART ? `the ${label}` : `the part ${label}`;
}

/** Whether two headers list the same parts, in any order. */
export function sameNames(one: Part, other: Part): boolean {
  return JSON.stringify([...one.of].sort()) === JSON.stringify([...other.of].sort());
}

/** Whether requests that a run in parts has sent, or its faults, are not in the history. */
export function lacksParts({ parts }: { readonly parts?: HistoryParts }): boolean {
  return parts?.isWhole === false;
}
