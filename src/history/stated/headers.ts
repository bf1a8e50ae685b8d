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

/**
 * What these headers state. The IETF drafts go before X-RateLimit, newer forms before older ones. Of several policies it
 * is unknown which one is judged, so a reply that names several states no more than Retry-After. Undefined if nothing
 * can be read. What a plug-in stated goes before all, since the headers of its service are made of it.
 */
export function readStatedTexts(texts: StatedTexts): Stated | undefined {
  const exact = texts[HEADERS.stated];
  const stated = exact === undefined ? readHeaders(texts) : readExact(exact);
  return Object.keys(stated).length === 0 ? undefined : stated;
}

function readExact(text: string): Stated {
  try {
    return parseStated(JSON.parse(text)) ?? {};
  } catch {
    return {};
  }
}

function readHeaders(texts: StatedTexts): Stated {
  const stated: Writable = {};
  addRetryAfter(stated, texts['retry-after']);
  addLimits(stated, texts);
  return stated;
}

type Writable = { -readonly [name in keyof Stated]: Stated[name] };

function addLimits(stated: Writable, texts: StatedTexts): void {
  const level = readLevel(texts.ratelimit);
  const policy = readPolicy(texts['ratelimit-policy']);
  const old = readQuota(texts['ratelimit-limit'] ?? texts['x-ratelimit-limit']);
  if (level === 'several' || policy === 'several' || old === 'several') return;
  if (level.name !== undefined && policy.name !== undefined && level.name !== policy.name) return;
  const remaining =
    level.remaining ?? readNumber(texts['ratelimit-remaining']) ?? readNumber(texts['x-ratelimit-remaining']);
  if (remaining !== undefined) stated.remaining = remaining;
  const delta = level.reset ?? readNumber(texts['ratelimit-reset']);
  const reset = delta ?? readNumber(texts['x-ratelimit-reset']);
  if (reset !== undefined) {
    stated.reset = reset;
    stated.resetForm = delta === undefined ? 'any' : 'delta';
  }
  const limit = policy.limit ?? level.limit ?? old.limit;
  if (limit !== undefined) stated.limit = limit;
  const windowS = policy.windowS ?? old.windowS;
  if (windowS !== undefined) stated.windowS = windowS;
}

/** The values of one policy. */
interface OfPolicy extends Pick<Stated, 'remaining' | 'reset' | 'limit' | 'windowS'> {
  /** Absent in older drafts. */
  readonly name?: string;
}

type Read = OfPolicy | 'several';

/** RateLimit: `"default";r=50;t=30`, and in draft 07 `limit=100, remaining=50, reset=5`. */
function readLevel(text: string | undefined): Read {
  const members = membersOf(text);
  if (members.some(({ value }) => value !== undefined)) {
    const values = new Map(members.map(({ name, value }) => [name, readNumber(value)]));
    return given({
      limit: values.get('limit'),
      remaining: values.get('remaining'),
      reset: values.get('reset'),
    });
  }
  if (members.length > 1) return 'several';
  const [only] = members;
  if (only === undefined) return {};
  return given({ name: only.name, remaining: numberOf(only, 'r'), reset: numberOf(only, 't') });
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
