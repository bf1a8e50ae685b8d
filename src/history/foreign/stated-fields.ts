import { RecordError } from '../records/fields.ts';
import type { Stated } from '../records/operation.ts';
import { readStatedHeaders, readStatedTexts, type StatedHeader, statedHeader } from '../stated/headers.ts';
import { readNumber } from '../stated/numbers.ts';
import { type LineFields, MappingError } from './lines.ts';
import { unitOfName } from './time.ts';
import { UNITS } from './units.ts';

/** The fields of a log that have what the limiter stated, by the header that each is like. */
export type StatedMapping = Readonly<Partial<Record<StatedHeader, string>>>;

/** What names of fields have before that of a header: nginx', Caddy's, Traefik's and other programs' headers of replies. */
const BEFORE =
  /^(?:(?:sent_http_|upstream_http_|downstream_)|(?:.*\.)?(?:(?:resp|response|reply)[._]?)?headers?[._])/i;
const OF_REQUEST = /req|origin_/i;
const UNIT = /_(?:ns|us|ms|s)$/;

/** The first lines, and the first denials, stand for the whole log. */
const MOST_LINES = 2_000;

/** A header of a limiter has some hundred. */
const MOST_CHARACTERS = 1_000;

/**
 * Reads what the limiter stated from the fields of a log. Without a mapping these are fields that are named like a
 * header: `retry_after`, `sent_http_x_ratelimit_remaining`, `resp_headers.Ratelimit`.
 */
export class StatedFields {
  readonly #fields: Map<StatedHeader, string>;
  readonly #isGuessed: boolean;
  readonly #seen = new Set<string>();
  #lastNames: readonly string[] = [];
  #lines = 0;
  #denials = 0;
  #isUsed = false;

  constructor(mapping: StatedMapping = {}) {
    const fields = Object.entries(mapping) as [StatedHeader, string][];
    this.#fields = new Map(fields.map(([header, field]) => [FAMILY.get(header) ?? header, field]));
    this.#isGuessed = this.#fields.size === 0;
  }

  /** Undefined if the line has nothing that can be read. */
  read(fields: LineFields, outcome: 'allowed' | 'denied'): Stated | undefined {
    const stated =
      this.#isGuessed && fields.replyHeaders !== undefined
        ? readStatedHeaders(fields.replyHeaders())
        : this.#readFields(fields, outcome);
    if (stated !== undefined) this.#isUsed = true;
    return stated;
  }

  /** The guessed fields of which one was read. */
  guessed(): readonly string[] {
    return this.#isGuessed && this.#isUsed ? [...this.#fields.values()] : [];
  }

  #readFields(fields: LineFields, outcome: 'allowed' | 'denied'): Stated | undefined {
    const isEarly = this.#lines++ < MOST_LINES || (outcome === 'denied' && this.#denials++ < MOST_LINES);
    if (this.#isGuessed && isEarly) this.#guess(fields.names());
    if (this.#fields.size === 0) return undefined;
    const texts: { [header in StatedHeader]?: string } = {};
    for (const [header, field] of this.#fields) {
      const text = textOf(fields, field);
      if (text !== undefined) texts[header] = text;
    }
    return readStatedTexts(texts, { isResetOpen: true, isOneLimiter: !this.#isGuessed });
  }

  #guess(names: readonly string[]): void {
    if (names === this.#lastNames) return; // the columns of a table
    this.#lastNames = names;
    for (const name of names) {
      if (this.#seen.has(name)) continue;
      this.#seen.add(name);
      const header = headerOf(name);
      if (header !== undefined && !this.#fields.has(header)) this.#fields.set(header, name);
    }
  }
}

/** Fields that a user names are one family. */
const FAMILY = new Map<StatedHeader, StatedHeader>([
  ['x-ratelimit-limit', 'ratelimit-limit'],
  ['x-ratelimit-remaining', 'ratelimit-remaining'],
  ['x-ratelimit-reset', 'ratelimit-reset'],
]);

/** The header that a field is named like. */
function headerOf(field: string): StatedHeader | undefined {
  const before = BEFORE.exec(field)?.[0] ?? '';
  if (OF_REQUEST.test(before)) return undefined;
  const name = field.slice(before.length).replace(UNIT, '').replaceAll('_', '-');
  return statedHeader(name) ?? statedHeader(name.replace(/rate-limit/i, 'ratelimit'));
}

/** The text as a header has it: a time in the unit of the field's name becomes seconds. */
function textOf(fields: LineFields, field: string): string | undefined {
  const text = readText(fields, field)?.trim();
  if (text === undefined || text === '' || text === '-' || text === 'null') return undefined;
  if (text.length > MOST_CHARACTERS) return undefined;
  const unit = unitOfName(field);
  const value = readNumber(text);
  if (unit === undefined || value === undefined) return text;
  return (value * 10 ** (UNITS[unit] - UNITS.s)).toFixed(9);
}

/** A field that cannot be read in this line states nothing. */
function readText(fields: LineFields, field: string): string | undefined {
  try {
    return fields.textOf(field);
  } catch (error) {
    if (!(error instanceof RecordError) || error instanceof MappingError) throw error;
    return undefined;
  }
}
