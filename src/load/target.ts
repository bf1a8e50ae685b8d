import { invalidOption } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import { quoted } from '../core/printable.ts';
import type { Random } from '../core/prng.ts';
import type { DrawnCost } from './arrivals.ts';
import { formatCost } from './costs.ts';
import type { Replies } from './outcome.ts';
import type { LoadShape } from './users.ts';

/** Where and how the users of a region send requests: any HTTP API that limits by one of its headers. */
export interface Target {
  readonly region: string;
  /** The whole URL, with path and query. */
  readonly url: string;
  /** Default: POST with a body, otherwise GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The header that names the subject of a request. Without one, all requests have the same subject. */
  readonly subjectHeader?: string;
  /** The value of that header for a real user, by the user's name. Default: the name. */
  readonly subjects?: ReadonlyMap<string, string>;
  /** The header for the number of tokens. Without one, every request costs one. */
  readonly costHeader?: string;
  /** The header for what a request really costs, which then reserves its cost. */
  readonly actualHeader?: string;
  /** Whether that header also takes costs by the names of policies. */
  readonly takesCostsByPolicy?: true;
  /** One body, or several that are equally likely. */
  readonly body?: string | readonly string[];
  /** How replies are read. Default: by the status, 2xx is allowed and 429 denied. */
  readonly replies?: Replies;
}

const ITEMS = 50;
const SCORES = [1, 2, 3, 4, 5];

/** The gateway or Rating service of the sample system at this address; a gateway of several services names the one. */
export function sampleTarget(region: string, baseUrl: string, { instances = 1 } = {}): Target {
  return {
    region,
    url: `${baseUrl}/v1/ratings`,
    headers: { 'content-type': 'application/json' },
    subjectHeader: HEADERS.user,
    costHeader: HEADERS.cost,
    actualHeader: HEADERS.actual,
    takesCostsByPolicy: true,
    body: Array.from({ length: ITEMS }, (_, item) =>
      SCORES.map((score) => JSON.stringify({ item: `item-${item}`, score })),
    ).flat(),
    replies: { of: 'sample', haveInstance: instances > 1 },
  };
}

/** An address that can be printed: without its query, which may hold a key. */
export function withoutQuery(url: string): string {
  const [address = '', query] = url.split('?', 2);
  return query === undefined ? address : `${address}?...`;
}

/** The name of a user's bucket in the history. */
export function bucketOf(user: string): string {
  return `ratings:${user}`;
}

/** Gives the bytes of one request, as text. */
export type WriteRequest = (user: string, cost: DrawnCost, random: Random, actual?: number) => string;

/** Prepares the parts that all requests of a target share. Throws INVALID_OPTION. */
export function makeRequestWriter(target: Target): WriteRequest {
  const { subjectHeader, costHeader, actualHeader, subjects } = target;
  const start = formatHead(target);
  const subject = subjectHeader === undefined ? '' : `${checkedHeader(subjectHeader, '')}: `;
  const cost = costHeader === undefined ? '' : `${checkedHeader(costHeader, '')}: `;
  const bodies = typeof target.body === 'string' ? [target.body] : (target.body ?? []);
  const ends = bodies.map((body) => `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return (user, drawn, random, actual) => {
    const end = ends.length < 2 ? ends[0] : ends[Math.floor(random() * ends.length)];
    const whose = subject === '' ? '' : `${subject}${subjects?.get(user) ?? user}\r\n`;
    const tokens = cost === '' ? '' : formatCost(drawn);
    const price = tokens === '' ? '' : `${cost}${tokens}\r\n`;
    const settled = actual === undefined ? '' : `${actualHeader}: ${actual}\r\n`;
    return `${start}${whose}${price}${settled}${end ?? '\r\n'}`;
  };
}

/**
 * Throws INVALID_OPTION for a target whose requests cannot carry the users or the costs of the load: the history would
 * name several buckets for one, or costs that were not requested.
 */
export function checkTarget(
  target: Target,
  { users, costs, costsByPolicy, actuals }: Pick<LoadShape, 'users' | 'costs' | 'costsByPolicy' | 'actuals'>,
): void {
  const { region, subjectHeader, costHeader, actualHeader, takesCostsByPolicy } = target;
  makeRequestWriter(target);
  if (subjectHeader === undefined && users > 1)
    throw invalidOption(
      `requests to ${region} have no subject header, so all share one bucket; found ${users} users`,
      'set a subject header with --subject-header, or use one user',
    );
  if (costHeader === undefined && costs.some((cost) => cost !== 1))
    throw invalidOption(
      `requests to ${region} have no cost header, so each costs 1 token; found ${costs.join(', ')}`,
      'set a cost header with --cost-header, or remove the costs',
    );
  if (actuals !== undefined && actualHeader === undefined)
    throw invalidOption(
      `requests to ${region} cannot say what they really cost: no header of it is known`,
      'remove the actual costs',
    );
  if (costsByPolicy !== undefined && !takesCostsByPolicy)
    throw invalidOption(
      `requests to ${region} cannot say a cost for each policy: the form of such a header is unknown`,
      'give one cost for all policies',
    );
}

/** The request line and the headers that are always the same. */
function formatHead({ url, method, headers = {}, body }: Target): string {
  const { protocol, host, pathname, search, username, password } = parseUrl(url);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') {
    throw invalidOption('a target is written http[s]://host[:port]/path', 'put credentials into a header');
  }
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  if (!/^[A-Z]+$/.test(verb)) throw invalidOption(`a method is written like POST; found ${quoted(verb)}`);
  const lines = Object.entries(headers).map(([name, value]) => `${checkedHeader(name, value)}: ${value}\r\n`);
  const hasHost = Object.keys(headers).some((name) => name.toLowerCase() === 'host');
  return `${verb} ${pathname}${search} HTTP/1.1\r\n${hasHost ? '' : `host: ${host}\r\n`}${lines.join('')}`;
}

function parseUrl(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw invalidOption(`a target is written http[s]://host[:port]/path; found ${quoted(url)}`);
}

/** A name or value with a line break would be two headers. */
function checkedHeader(name: string, value: string): string {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\uffff]*$/.test(value)) return name;
  throw invalidOption(`not an HTTP header: ${quoted(name)}`); // its value may be secret
}
