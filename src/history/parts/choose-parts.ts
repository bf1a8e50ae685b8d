import { OpenclawError } from '../../core/errors.ts';
import { groupBy } from '../../core/group-by.ts';
import { printable } from '../../core/printable.ts';
import { type Part, partLabel } from '../records/part.ts';
import type { ScannedPart } from './part-scan.ts';
import { type FileOfPart, type LeftOut, sameNames } from './parts.ts';

/** A file before it is read. */
export interface SeenFile extends ScannedPart {
  readonly file: string;
  /** Absent for a history that is no part. */
  readonly part?: Part;
}

interface SeenPart extends SeenFile {
  readonly part: Part;
}

/** The files to read, one for each part, and those that are left out. */
export interface ChosenFiles {
  readonly files: readonly string[];
  /** The part of each of them, in the order of their names; none for files that are no parts. */
  readonly parts: readonly FileOfPart[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Chooses one file for each part of a run: of several, one that is complete, else the first. The run is that of the first
 * file that is as it was written. Throws INVALID_HISTORY for files of which none or only some are parts of one run.
 */
export function chooseParts(seen: readonly SeenFile[]): ChosenFiles {
  const parts = seen.filter(isPart);
  const [first] = parts.toSorted((a, b) => Number(a.isAltered) - Number(b.isAltered));
  if (first === undefined) return { files: seen.map(({ file }) => file), parts: [], leftOut: [] };
  const single = seen.find((file) => !isPart(file));
  if (single !== undefined)
    throw invalid(
      single.file,
      `it is a history of its own, and ${printable(first.file)} is a part of run ${first.part.run}`,
      'check them one by one, or give only the parts of one run',
    );
  const others = parts.flatMap(({ file, part }) => otherRun({ file, part }, first.part));
  const ofRun = parts.filter(({ file }) => !others.some((other) => other.file === file));
  for (const { file, part } of ofRun) if (!sameNames(part, first.part)) throw differingNames(file, first);
  const chosen = new Map(
    [...groupBy(ofRun, ({ part }) => partLabel(part))]
      .toSorted(([a], [b]) => (a < b ? -1 : 1)) // a certificate numbers operations in this order, however files are given
      .map(([name, files]) => [name, best(files)]),
  );
  const files = [...chosen.values()].flatMap((file) => (file === undefined ? [] : [file.file]));
  if (files.length === 0)
    throw invalid(first.file, 'it was altered after it was written, like all files of its run', FETCH_AGAIN);
  const leftOut = ofRun
    .map((file) => ({ file, part: partLabel(file.part) }))
    .filter(({ file, part }) => chosen.get(part) !== file)
    .map(({ file, part }) => ({ file: file.file, part, why: whyLeftOut(file, chosen.get(part)) }));
  const read = [...chosen].flatMap(([part, file]) => (file === undefined ? [] : [{ file: file.file, part }]));
  return { files, parts: read, leftOut: [...others, ...leftOut] };
}

const FETCH_AGAIN = 'copy the files again from the machines that wrote them';

function isPart(file: SeenFile): file is SeenPart {
  return file.part !== undefined;
}

function otherRun({ file, part }: { readonly file: string; readonly part: Part }, first: Part): LeftOut[] {
  const label = partLabel(part);
  if (part.plan !== first.plan) return [{ file, part: label, why: 'plan' }];
  return part.run === first.run ? [] : [{ file, part: label, why: 'run' }];
}

/** Undefined if all of them were altered. */
function best(files: readonly SeenPart[]): SeenPart | undefined {
  const asWritten = files.filter(({ isAltered }) => !isAltered);
  return asWritten.find(({ digest }) => digest !== undefined) ?? asWritten[0];
}

/** Two files with one digest have the same requests. Others may be of two loads, which were both charged. */
function whyLeftOut({ file, digest, isAltered }: SeenPart, chosen: SeenPart | undefined): LeftOut['why'] {
  const isCopy = file === chosen?.file || (digest !== undefined && digest === chosen?.digest);
  if (isAltered && (isCopy || chosen === undefined)) return 'altered';
  return isCopy ? 'copy' : 'double';
}

function differingNames(file: string, first: SeenPart): OpenclawError {
  return invalid(
    file,
    `its list of parts differs from that of ${printable(first.file)}, though run and plan are the same`,
    'give only files of one load command for each part',
  );
}

function invalid(file: string, why: string, hint: string): OpenclawError {
  return new OpenclawError('INVALID_HISTORY', `${printable(file)}: ${why}`, { hint });
}
