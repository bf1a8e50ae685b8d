import { OpenclawError } from '../../core/errors.ts';
import { printable, quoted } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { RecordError } from '../records/fields.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../scan/lines.ts';
import { type ArrivalFormat, FOREIGN_FORMATS, OWN_FORMAT, TIMED_FORMATS } from './formats/formats.ts';
import { formatOfLine } from './guess.ts';
import { type LineFields, type LineFormat, MappingError } from './lines.ts';
import { decodeBytes } from './names.ts';
import { readTime, unitOfName } from './time.ts';
import type { Unit } from './units.ts';
import { UnusableLines } from './unusable.ts';

/** What the fields of a log mean, as far as it is sent again. Absent ones are those of the format. */
export interface ArrivalFields {
  /** Absent: the first line shows it. */
  readonly format?: ArrivalFormat;
  /** Names the user. */
  readonly key?: string;
  /** The time of arrival; without it, the end minus the duration, or the end. */
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  /** Of times whose field does not end in a unit. */
  readonly unit?: Unit;
  /** Of dates without a zone. */
  readonly zone?: string;
  /** Absent: each request costs one token. */
  readonly cost?: string;
  readonly region?: string;
}

/** A request of a log that is sent again. */
export interface RecordedRequest {
  /** After the first request of the log. */
  readonly atUs: number;
  readonly user: string;
  readonly cost: number;
  /** Absent if the log names none. */
  readonly region?: string;
}

/** The requests of a log, in the order of their arrival. */
export interface RecordedRequests {
  readonly requests: readonly RecordedRequest[];
  /** Lines without a key. */
  readonly keyless: number;
  /** Lines that cannot be read. */
  readonly unread: number;
  /** Of the first line that cannot be read: where, and why. */
  readonly firstUnread?: string;
}

/** What of a log is not sent again, in words. */
export function leftOutTexts({ keyless = 0, unread = 0, firstUnread }: LeftOut): string[] {
  const first = firstUnread === undefined ? '' : `, the first: ${firstUnread}`;
  return [
    ...(keyless > 0 ? [`${count(keyless, 'line')} without a key, not sent again`] : []),
    ...(unread > 0 ? [`${count(unread, 'line')} that cannot be read, not sent again${first}`] : []),
  ];
}

type LeftOut = Partial<Omit<RecordedRequests, 'requests'>>;

/** More would not fit into the memory of the load. */
const MOST_REQUESTS = 2_000_000;
/** As `check --unusable-at-most` by default. */
const UNUSABLE_AT_MOST = 0.01;
/** A key goes into a header of a request. */
const KEY = /^[\x21-\x7e]{1,128}$/;

/** In the history of an open load: when a request was due, which it did not wait for. */
const DUE = 'intendedUs';

const DEFAULTS: Readonly<Partial<Record<ArrivalFormat, ArrivalFields>>> = {
  ...TIMED_FORMATS,
  combined: { key: 'remote_addr', start: 'time_local' },
  history: { key: 'user', start: 'invokedUs', unit: 'us', cost: 'cost', region: 'region' },
};

/** Reads when the requests of a log arrived, and whose they were. Throws INVALID_HISTORY. */
export class ArrivalReader {
  readonly #given: ArrivalFields;
  readonly #regions: readonly string[];
  readonly #unusable = new UnusableLines();
  readonly #requests: RecordedRequest[] = [];
  #chosen: ArrivalFormat | undefined;
  #fields: ArrivalFields = {};
  #format: LineFormat | undefined;
  #lines: LineSplitter | undefined;
  #file = '';
  #line = 0;
  #keyless = 0;
  #names: readonly string[] = [];

  /** `regions` are those of the run. */
  constructor(given: ArrivalFields, regions: readonly string[]) {
    this.#given = given;
    this.#regions = regions;
  }

  get operations(): number {
    return this.#requests.length;
  }

  startFile(name: string): void {
    this.#file = name;
    this.#unusable.startFile();
    this.#lines = new LineSplitter(
      (bytes, start, end) => this.#readLine(decodeBytes(bytes.subarray(start, end)).replace(/\r$/, '')),
      () => {
        this.#line++;
        throw this.#error(`the line is longer than ${MAX_LINE_BYTES / 1_048_576} MiB`);
      },
    );
  }

  push(chunk: Uint8Array): void {
    this.#lines?.push(chunk);
  }

  /** The last line of a truncated file is not read. */
  endFile(truncated = false): void {
    if (!truncated) this.#lines?.end();
    const complaint = this.#unusable.complaintOf(UNUSABLE_AT_MOST);
    if (complaint !== undefined) throw this.#errorAt(complaint.where, complaint.reason);
  }

  finish(): RecordedRequests {
    if (this.#requests.length === 0) throw this.#error(this.#whyEmpty());
    const requests = this.#requests.sort((a, b) => a.atUs - b.atUs); // a server logs a request when it ends
    const firstUs = requests[0]?.atUs ?? 0;
    const { first } = this.#unusable;
    return {
      requests: requests.map((request) => ({ ...request, atUs: request.atUs - firstUs })),
      ...{ keyless: this.#keyless, unread: this.#unusable.count },
      ...(first && { firstUnread: `${first.where}: ${first.reason}` }),
    };
  }

  #readLine(line: string): void {
    this.#line++;
    if (line === '') return;
    this.#format ??= this.#chooseFormat(line);
    try {
      const fields = this.#format.read(line);
      if (fields !== undefined) this.#readFields(fields);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      if (error instanceof MappingError) throw this.#error(error.message);
      this.#unusable.add(
        { where: `${printable(this.#file)}:${this.#line}`, reason: error.message },
        { isSeen: false },
      );
      if (this.#unusable.isHopeless) this.endFile(true);
    }
  }

  #chooseFormat(line: string): LineFormat {
    const format = this.#given.format ?? formatOfLine(line) ?? 'csv';
    this.#chosen = format;
    this.#fields = { ...DEFAULTS[format], ...this.#given };
    const { key, start, end, duration } = this.#fields;
    const used = format === 'csv' ? Object.values(this.#namedFields()) : [];
    const reader = FOREIGN_FORMATS[format === OWN_FORMAT ? 'access-log' : format](used);
    const times = [start ?? end, duration].filter((field) => field !== undefined);
    if (this.#given.unit !== undefined && times.every((field) => unitOfName(field) !== undefined))
      throw this.#error(`unit has no effect: ${times.join(' and ')} ends in a unit of its own`);
    if (key !== undefined && times.length > 0) return reader;
    const missing =
      key === undefined ? 'key, the field that names the user' : 'start, the field with the time';
    throw this.#error(`${format}: expected ${missing}${namesOf(line, reader)}`);
  }

  #namedFields(): Record<string, string> {
    const { format: _format, unit: _unit, zone: _zone, ...named } = this.#fields;
    return named;
  }

  #readFields(fields: LineFields): void {
    const { key = '', cost, region } = this.#fields;
    if (this.#chosen === OWN_FORMAT && fields.textOf('charges.0.bucket') !== undefined)
      throw new MappingError('a history of several policies cannot be sent again: each has costs of its own');
    const user = fields.textOf(key);
    if (user === undefined || user === '' || user === '-') {
      if (this.#chosen !== OWN_FORMAT) this.#keyless++; // a history has other records, too
      if (this.#names.length === 0) this.#names = fields.names();
      return;
    }
    if (!KEY.test(user))
      throw new RecordError(`${key} must be 1 to 128 visible ASCII characters; found ${quoted(user)}`);
    const request = {
      atUs: this.#arrivalOf(fields),
      user,
      cost: cost === undefined ? 1 : costOf(fields, cost),
    };
    this.#unusable.addLine();
    if (this.#requests.length === MOST_REQUESTS)
      throw new MappingError(`a recorded load has at most ${MOST_REQUESTS} requests; cut the log`);
    this.#requests.push(
      region === undefined ? request : { ...request, region: this.#regionOf(fields, region) },
    );
  }

  #arrivalOf(fields: LineFields): number {
    const { start, end = '', duration, unit, zone } = this.#fields;
    const read = (field: string) => {
      const text = fields.textOf(field)?.trim();
      if (text === undefined || text === '') throw new RecordError(`the field ${quoted(field)} is missing`);
      return readTime(text, { field, unit: unitOfName(field) ?? unit, zone }).us;
    };
    if (this.#chosen === OWN_FORMAT && fields.textOf(DUE) !== undefined) return read(DUE);
    if (start !== undefined) return read(start);
    return read(end) - (duration === undefined ? 0 : read(duration));
  }

  #regionOf(fields: LineFields, field: string): string {
    const region = fields.textOf(field) ?? '';
    if (this.#regions.includes(region)) return region;
    throw new MappingError(
      `${field} must be a region of the run, one of ${this.#regions.join(', ')}; found ${quoted(region)}`,
    );
  }

  #whyEmpty(): string {
    if (this.#names.length === 0) return 'the file has no request';
    const { key = '' } = this.#fields;
    return `no line has a value in the field ${quoted(key)} (key); fields of the first: ${printable(this.#names.slice(0, 40).join(', '))}`;
  }

  /** Messages of the readers name the options of `check`. */
  #error(reason: string): OpenclawError {
    return this.#errorAt(`${printable(this.#file)}:${Math.max(1, this.#line)}`, reason);
  }

  #errorAt(where: string, reason: string): OpenclawError {
    return new OpenclawError('INVALID_HISTORY', `${where}: ${reason.replace(/--(\w+)/g, '$1:')}`, {
      hint: 'say what its fields mean: load: { from: { file, format, key, start, ... } }',
    });
  }
}

function namesOf(line: string, format: LineFormat): string {
  try {
    const names = format.read(line)?.names() ?? line.split(/[,;\t|] ?/);
    return `; fields of the first line: ${printable(names.slice(0, 40).join(', '))}`;
  } catch {
    return '';
  }
}

function costOf(fields: LineFields, field: string): number {
  const text = fields.textOf(field)?.trim() ?? '';
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new MappingError(`${field} must be a whole number of tokens, at least 1; found ${quoted(text)}`);
}
