import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { asObject, type Fields, optional, RecordError, text } from './fields.ts';

/** One part of a run whose load several processes send: a region's share, or an n-th of it; or its control part. */
export interface Part {
  /** The run; its keys in Redis begin with it. */
  readonly run: string;
  /** SHA-256 of the plan, in hexadecimal. */
  readonly plan: string;
  /** `<region>`, or `<region>:2/3` for the second of three; of the control part `control`, as a region may be called. */
  readonly name: string;
  /** The names of all parts of the run that send load. */
  readonly of: readonly string[];
  /** The control part sends no load: it has the faults of the run, and what its coordinator found. */
  readonly kind?: 'control';
  /** Of a part that sends load: the run has a control part, too. */
  readonly control?: true;
  /** The machine's monotonic clock: all files with this id have their times of one clock. */
  readonly machine: string;
  /** What the scheduler calls the process that made it. */
  readonly task?: string;
}

/** What the control part is called among the parts of a run: no region has a space. */
export const CONTROL_PART = 'control part';

/** The name of a part that no other part of its run has. */
export function partLabel({ kind, name }: Pick<Part, 'kind' | 'name'>): string {
  return kind === 'control' ? CONTROL_PART : name;
}

/** The most parts of a run. */
export const MOST_PARTS = 1_000;

/** SHA-256 in hexadecimal. */
const DIGEST = /^[0-9a-f]{64}$/;
/** The name of a run or of a machine; it is also part of a file's name and of a key. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const PART = /^([a-z][a-z0-9-]{0,30})(?::([1-9]\d{0,3})\/([1-9]\d{0,3}))?$/;

/** Reads the member `part` of a header. Throws RecordError. */
export function parsePart(value: unknown): Part {
  const fields = asObject(value, 'part');
  const of = parseNames(fields.of);
  const name = text(fields, 'name');
  const kind = optional(fields, 'kind', parseKind);
  if (kind === 'control' && name !== 'control')
    throw new RecordError(`part.name of a control part must be "control"; found ${quoted(name)}`);
  if (kind === undefined && !of.includes(name))
    throw new RecordError(`part.name must be one of part.of; found ${quoted(name)}, not in the list`);
  return {
    run: matching(fields, 'run', { pattern: NAME, expected: WORD }),
    plan: parseDigest(fields, 'plan'),
    name,
    of,
    machine: matching(fields, 'machine', { pattern: NAME, expected: WORD }),
    ...given({
      task: optional(fields, 'task', text),
      kind,
      control: optional(fields, 'control', parseTrue),
    }),
  };
}

function parseKind({ kind }: Fields): 'control' {
  if (kind === 'control') return kind;
  throw new RecordError(`part.kind must be "control", or absent; found ${quoted(kind)}`);
}

function parseTrue({ control }: Fields): true {
  if (control === true) return control;
  throw new RecordError(`part.control must be true, or absent; found ${quoted(control)}`);
}

/** Reads a SHA-256 in hexadecimal. Throws RecordError. */
export function parseDigest(fields: Fields, name: string): string {
  return matching(fields, name, { pattern: DIGEST, expected: '64 characters of 0-9 and a-f' });
}

const WORD = '1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-", the first a letter or digit';

function matching(
  fields: Fields,
  name: string,
  { pattern, expected }: { readonly pattern: RegExp; readonly expected: string },
): string {
  const value = fields[name];
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new RecordError(`${name} must be ${expected}; found ${quoted(value)}`);
}

/** A list without one of the parts of a region would hide that its requests are missing. */
function parseNames(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_PARTS)
    throw new RecordError(
      `part.of must be a list of 1 to ${MOST_PARTS} part names; found ${Array.isArray(value) ? `a list of ${value.length}` : quoted(value)}`,
    );
  const names = new Set<string>(value);
  if (names.size < value.length) throw new RecordError('part.of must not have a name twice');
  const complete = new Set<string>();
  for (const name of names) {
    const [, region = '', nth, parts] = (typeof name === 'string' && PART.exec(name)) || [];
    if (region === '' || Number(nth ?? 0) > Number(parts ?? 0))
      throw new RecordError(
        `part.of must have names like eu-west or eu-west:2/3 (the second of three); found ${quoted(name)}`,
      );
    if (parts !== undefined && names.has(region))
      throw new RecordError(`part.of has ${name} and ${region}; a region is whole or divided`);
    const division = `${region}/${parts ?? 1}`;
    if (complete.has(division)) continue;
    complete.add(division);
    const missing = namesOf(region, parts).find((other) => !names.has(other));
    if (missing !== undefined)
      throw new RecordError(`part.of has ${name}, but not ${missing}; it must have all parts of the run`);
  }
  return [...names];
}

function namesOf(region: string, parts: string | undefined): string[] {
  if (parts === undefined) return [region];
  return Array.from(
    { length: Math.min(Number(parts), MOST_PARTS + 1) },
    (_, at) => `${region}:${at + 1}/${parts}`,
  );
}
