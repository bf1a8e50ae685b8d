import { given } from '../../core/given.ts';
import { HEADERS } from '../../core/header-names.ts';
import type { Stated } from '../records/operation.ts';
import { parseStated } from '../records/parse-operation.ts';
import { type Member, readMembers } from './members.ts';
import { addRetryAfter, readNumber } from './numbers.ts';

/** The headers with which a limiter states something, each in one spelling. */
export const STATED_HEADERS = [
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'retry-after',
  HEADERS.stated,
] as const;

export type StatedHeader = (typeof STATED_HEADERS)[number];

/** The values of these headers. */
export type StatedTexts = Readonly<Partial<Record<StatedHeader, string>>>;

const BY_NAME = new Map<string, StatedHeader>([
  ...STATED_HEADERS.map((name) => [name, name] as const),
  ...(['limit', 'remaining', 'reset'] as const).map(
    (name) => [`x-rate-limit-${name}`, `x-ratelimit-${name}`] as const,
  ),
]);
const R = 0x72;
const X = 0x78;
const O = 0x6f;
const TO_LOWER = 0x20;

/** Which of the headers this name is, in any case. */
export function statedHeader(name: string): StatedHeader | undefined {
  const first = name.charCodeAt(0) | TO_LOWER; // most headers begin with another letter
  return first === R || first === X || first === O ? BY_NAME.get(name.toLowerCase()) : undefined;
}

/** What the limiter of a reply stated. Raw headers come as name, value, name, value. Equal replies share the object. */
export function readStatedHeaders(rawHeaders: readonly string[]): Stated | undefined {
  let key = '';
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = statedHeader(rawHeaders[at] as string);
    if (header !== undefined) key += `${header}:${rawHeaders[at + 1]}\n`;
  }
  if (key === '' || key.length > MOST_CHARACTERS) return undefined;
  let stated = known.get(key);
  if (stated === undefined) {
    stated = readStatedTexts(textsOf(key)) ?? NOTHING;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, stated);
  }
  return stated === NOTHING ? undefined : stated;
}

/**
 * A load reads thousands of replies a second that have few different headers. Reading them again took ten times as long.
 */
const known = new Map<string, Stated>();
const MOST_KNOWN = 1_000;
const NOTHING: Stated = {};

/** All of them together have some hundred; what is longer is left out. */
const MOST_CHARACTERS = 1_000;

/** A header that occurs twice has both values, as HTTP joins them. */
function textsOf(lines: string): StatedTexts {
  const texts: { [name in StatedHeader]?: string } = {};
  for (const line of lines.split('\n').slice(0, -1)) {
    const colon = line.indexOf(':');
    const header = line.slice(0, colon) as StatedHeader;
    const value = line.slice(colon + 1).trim();
    const before = texts[header];
    texts[header] = before === undefined ? value : `${before}, ${value}`;
  }
  return texts;
}

/** How the values of fields of a log differ from those of headers. */
export interface FieldReading {
  /** Other programs than limiters write a field like RateLimit-Reset, so its form is open. */
  readonly isResetOpen?: boolean;
  /** All fields are of one limiter: a level belongs to the policy, also one with another name or none. */
  readonly isOneLimiter?: boolean;
}

/**
 * What these headers state. A gateway and the application behind it may both state something, so all values are of one
 * family of headers: the IETF drafts go before X-RateLimit, newer forms before older ones, and a family with a level
 * before one that has a policy only. If a reply names several policies, or its families have different levels, it is
 * unknown which limiter is judged: then it states no more than Retry-After. Undefined if nothing can be read. What a plug-in stated goes before all, since the
 * headers of its service are made of it.
 */
export function readStatedTexts(texts: StatedTexts, reading: FieldReading = {}): Stated | undefined {
  const exact = texts[HEADERS.stated];
  const stated = exact === undefined ? readHeaders(texts, reading) : readExact(exact);
  return Object.keys(stated).length === 0 ? undefined : stated;
}

function readExact(text: string): Stated {
  try {
    return parseStated(JSON.parse(text)) ?? {};
  } catch {
    return {};
  }
}

function readHeaders(texts: StatedTexts, reading: FieldReading): Stated {
  const stated: { -readonly [name in keyof Stated]: Stated[name] } = {};
  addRetryAfter(stated, texts['retry-after']);
  const drafts = readDrafts(texts, reading);
  const older = readFields(texts, 'x-ratelimit');
  if (drafts === 'several' || older === 'several' || differ(drafts, older)) return stated;
  const isDrafts = hasLevel(drafts) || (!hasLevel(older) && hasPolicy(drafts));
  const { name: _, ...values } = isDrafts ? drafts : older;
  return { ...stated, ...values };
}

/** Whether two families state levels of different limiters: it is unknown which of them answered. */
function differ(drafts: OfPolicy, older: OfPolicy): boolean {
  if (!hasLevel(drafts) || !hasLevel(older)) return false;
  const areLimitsKnown = drafts.limit !== undefined && older.limit !== undefined;
  return drafts.remaining !== older.remaining || (areLimitsKnown && drafts.limit !== older.limit);
}

/** The values of the IETF drafts: a level, and the policy of its name, which has none up to draft 07. */
function readDrafts(texts: StatedTexts, { isResetOpen, isOneLimiter }: FieldReading): Read {
  const level = readLevel(texts.ratelimit);
  const policy = readPolicy(texts['ratelimit-policy']);
  const fields = readFields(texts, 'ratelimit', isResetOpen === true ? 'any' : 'delta');
  if (level === 'several' || policy === 'several' || fields === 'several') return 'several';
  const own = hasLevel(level) && isOneLimiter !== true ? level : { ...fields, ...level };
  const isOfLevel = own.name === policy.name || isOneLimiter === true;
  if (hasLevel(own) && hasPolicy(policy) && !isOfLevel) return 'several';
  return { ...own, ...given({ limit: policy.limit ?? own.limit, windowS: policy.windowS ?? own.windowS }) };
}

/** RateLimit-Limit, -Remaining and -Reset, or the same of X-RateLimit. */
function readFields(
  texts: StatedTexts,
  family: 'ratelimit' | 'x-ratelimit',
  resetForm: ResetForm = 'any',
): Read {
  const quota = readQuota(texts[`${family}-limit`]);
  if (quota === 'several') return quota;
  const reset = readNumber(texts[`${family}-reset`]);
  return {
    ...quota,
    ...given({ remaining: readNumber(texts[`${family}-remaining`]), reset }),
    ...(reset !== undefined && { resetForm }),
  };
}

function hasLevel({ remaining, reset }: OfPolicy): boolean {
  return remaining !== undefined || reset !== undefined;
}

function hasPolicy({ limit, windowS }: OfPolicy): boolean {
  return limit !== undefined || windowS !== undefined;
}

type ResetForm = NonNullable<Stated['resetForm']>;

/** The values of one policy. */
interface OfPolicy extends Pick<Stated, 'remaining' | 'reset' | 'resetForm' | 'limit' | 'windowS'> {
  /** Absent in older drafts. */
  readonly name?: string;
}

type Read = OfPolicy | 'several';

/** RateLimit: `"default";r=50;t=30`, and in draft 07 `limit=100, remaining=50, reset=5`. */
function readLevel(text: string | undefined): Read {
  const members = membersOf(text);
  if (members.some(({ value }) => value !== undefined)) {
    const values = new Map(members.map(({ name, value }) => [name, readNumber(value)]));
    return withDelta(
      given({
        limit: values.get('limit'),
        remaining: values.get('remaining'),
        reset: values.get('reset'),
      }),
    );
  }
  if (members.length > 1) return 'several';
  const [only] = members;
  if (only === undefined) return {};
  return withDelta(given({ name: only.name, remaining: numberOf(only, 'r'), reset: numberOf(only, 't') }));
}

/** A reset in a header RateLimit is seconds from now. */
function withDelta(level: OfPolicy): OfPolicy {
  return level.reset === undefined ? level : { ...level, resetForm: 'delta' };
}

/** RateLimit-Policy: `"default";q=100;w=60`, and in drafts up to 07 `100;w=60`. */
function readPolicy(text: string | undefined): Read {
  const members = membersOf(text);
  if (members.length > 1) return 'several';
  const [only] = members;
  if (only === undefined) return {};
  const { name, parameters } = only;
  const windowS = numberOf(only, 'w');
  if (!parameters.has('q')) return given({ limit: readNumber(name), windowS });
  if ((parameters.get('qu') ?? 'requests') !== 'requests') return 'several'; // bytes, or requests at once
  return given({ name, limit: numberOf(only, 'q'), windowS });
}

/** RateLimit-Limit: `100`, with its policies behind it `100, 100;w=60`. */
function readQuota(text: string | undefined): Read {
  const members = membersOf(text);
  const [first, policy, ...others] = members;
  if (others.length > 0) return 'several';
  if (first === undefined) return {};
  const limit = readNumber(first.name);
  if (policy !== undefined && policy.name !== first.name) return 'several';
  return given({ limit, windowS: numberOf(policy ?? first, 'w') });
}

function membersOf(text: string | undefined): readonly Member[] {
  return text === undefined ? [] : (readMembers(text) ?? []);
}

function numberOf({ parameters }: Member, name: string): number | undefined {
  return readNumber(parameters.get(name));
}
