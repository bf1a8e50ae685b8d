import { OpenclawError, quoted } from '../core/errors.ts';
import type { Random } from '../core/prng.ts';
import { type ReadReply, readReply } from './outcome.ts';
import type { LoadShape } from './users.ts';

/** Where the users of a region send their requests, and how: any HTTP API that limits by one of its headers. */
export interface Target {
  readonly region: string;
  /** All of it: path and query too. */
  readonly url: string;
  /** Default: POST where there is a body, else GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The header that says whose request it is. Without one, all requests are of one and the same subject. */
  readonly subjectHeader?: string;
  /** What is sent for a user, by its name, where it is a real one; default: its name. */
  readonly subjects?: ReadonlyMap<string, string>;
  /** The header that asks for more than one token. Without one, every request costs one. */
  readonly costHeader?: string;
  /** One, or several of which each is as likely. */
  readonly body?: string | readonly string[];
  /** What its replies mean. Default: 2xx is allowed, 429 denied, by the status alone. */
  readonly read?: ReadReply;
}

const ITEMS = 50;
const SCORES = [1, 2, 3, 4, 5];

/** The sample system's gateway, or Rating service, at this address. */
export function sampleTarget(region: string, baseUrl: string): Target {
  return {
    region,
    url: `${baseUrl}/v1/ratings`,
    headers: { 'content-type': 'application/json' },
    subjectHeader: 'x-openclaw-user',
    costHeader: 'x-openclaw-cost',
    body: Array.from({ length: ITEMS }, (_, item) =>
      SCORES.map((score) => JSON.stringify({ item: `item-${item}`, score })),
    ).flat(),
    read: readReply,
  };
}

/** An address as it may be shown: a query may hold a key. */
export function withoutQuery(url: string): string {
  const [address = '', query] = url.split('?', 2);
  return query === undefined ? address : `${address}?...`;
}

/** The name of a user's bucket in the history. */
export function bucketOf(user: string): string {
  return `ratings:${user}`;
}

/** Gives the bytes of one request, as text. `cost` in tokens. */
export type WriteRequest = (user: string, cost: number, random: Random) => string;

/** Prepares all of a target's requests that is the same in each. Throws INVALID_OPTION. */
export function makeRequestWriter(target: Target): WriteRequest {
  const { subjectHeader, costHeader, subjects } = target;
  const start = headOf(target);
  const subject = subjectHeader === undefined ? '' : `${checkedHeader(subjectHeader, '')}: `;
  const cost = costHeader === undefined ? '' : `${checkedHeader(costHeader, '')}: `;
  const bodies = typeof target.body === 'string' ? [target.body] : (target.body ?? []);
  const ends = bodies.map((body) => `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return (user, costTokens, random) => {
    const end = ends.length < 2 ? ends[0] : ends[Math.floor(random() * ends.length)];
    const whose = subject === '' ? '' : `${subject}${subjects?.get(user) ?? user}\r\n`;
    const asked = costTokens === 1 || cost === '' ? '' : `${cost}${costTokens}\r\n`;
    return `${start}${whose}${asked}${end ?? '\r\n'}`;
  };
}

/**
 * Throws INVALID_OPTION for a target that cannot be asked what a load asks: what it cannot be told would make the
 * books wrong, one bucket taken for many, or a cost not asked for.
 */
export function checkTarget(target: Target, { users, costs }: Pick<LoadShape, 'users' | 'costs'>): void {
  const { region, subjectHeader, costHeader } = target;
  makeRequestWriter(target);
  if (subjectHeader === undefined && users > 1)
    throw new OpenclawError(
      'INVALID_OPTION',
      `requests to ${region} do not say whose they are, so all are of one bucket; found ${users} users`,
      { hint: 'name a subject header, or plan one user' },
    );
  if (costHeader === undefined && costs.some((cost) => cost !== 1))
    throw new OpenclawError(
      'INVALID_OPTION',
      `requests to ${region} cannot ask for a cost other than 1; found ${costs.join(', ')}`,
      { hint: 'name a cost header, or leave out the costs' },
    );
}

/** The request line and the headers that are always the same. */
function headOf({ url, method, headers = {}, body }: Target): string {
  const { protocol, host, pathname, search, username, password } = parseUrl(url);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') {
    throw new OpenclawError('INVALID_OPTION', 'a target is written http[s]://host[:port]/path', {
      hint: 'put credentials into a header',
    });
  }
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  if (!/^[A-Z]+$/.test(verb))
    throw new OpenclawError('INVALID_OPTION', `a method is written like POST; found ${quoted(verb)}`);
  const lines = Object.entries(headers).map(([name, value]) => `${checkedHeader(name, value)}: ${value}\r\n`);
  const hasHost = Object.keys(headers).some((name) => name.toLowerCase() === 'host');
  return `${verb} ${pathname}${search} HTTP/1.1\r\n${hasHost ? '' : `host: ${host}\r\n`}${lines.join('')}`;
}

function parseUrl(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new OpenclawError(
    'INVALID_OPTION',
    `a target is written http[s]://host[:port]/path; found ${quoted(url)}`,
  );
}

/** A name or value with a line break would be two headers. */
function checkedHeader(name: string, value: string): string {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\uffff]*$/.test(value)) return name;
  throw new OpenclawError('INVALID_OPTION', `not an HTTP header: ${quoted(name)}`); // its value may be secret
}
