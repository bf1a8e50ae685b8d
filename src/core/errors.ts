/** Whether the operation that failed may have taken tokens: `none` is a certainty, `possible` is not. */
export type Charge = 'none' | 'possible';

interface CatalogueEntry {
  readonly charge: Charge;
  /** The way out, as a person would say it; a command to run where there is one. */
  readonly hint: string;
}

/** Every error this project raises on purpose: what it means for the bucket, and what to do about it. */
const CATALOGUE = {
  INVALID_POLICY: { charge: 'none', hint: 'write a policy as capacity:rate, for example 20:5/s' },
  INVALID_COST: { charge: 'none', hint: 'a cost is a whole number of tokens, at least 1' },
  COST_ABOVE_CAPACITY: {
    charge: 'none',
    hint: 'no wait can satisfy it: lower the cost or raise the capacity',
  },
  INVALID_SUBJECT: { charge: 'none', hint: 'use 1 to 256 bytes of text without control characters' },
  INVALID_OPTION: { charge: 'none', hint: 'see --help' },
  INVALID_SCENARIO: { charge: 'none', hint: 'see scenarios/scenario.schema.json for what each key means' },
  INVALID_CLAIM: {
    charge: 'none',
    hint: "write a claim like 'total-excess <= 0', 'info <= 5%' or 'p99(allowed) <= 250ms during partition'",
  },
  INVALID_REPORT: { charge: 'none', hint: 'name the folder of a run, or make one: openclaw-rl bench' },
  INVALID_HISTORY: { charge: 'none', hint: 'see the history format in the README' },
  LIMITER_CLOSED: { charge: 'none', hint: 'create a new limiter; this one was closed' },
  LIMITER_REFUSED: { charge: 'none', hint: 'the plug-in says why; its errors are in the log of the service' },
  LIMITER_FAILED: {
    charge: 'possible',
    hint: "what the plug-in threw is in the log of the service; an error with charge: 'none' is a certainty",
  },
  REDIS_UNREACHABLE: {
    charge: 'none',
    hint: 'check that Redis runs at this address and accepts connections',
  },
  REDIS_AUTH: { charge: 'none', hint: 'check the user name and the password of the Redis connection' },
  REDIS_READ_ONLY: { charge: 'none', hint: 'connect to the primary, or to the cluster, not to a replica' },
  REDIS_OUT_OF_MEMORY: { charge: 'none', hint: 'raise maxmemory; buckets expire by themselves once full' },
  REDIS_CLUSTER_DOWN: { charge: 'none', hint: 'wait for the failover, or see: redis-cli cluster info' },
  REDIS_SLOT_MOVING: {
    charge: 'none',
    hint: 'a slot of the cluster is being moved: try again with the same decision id until it has arrived',
  },
  REDIS_WRONG_TYPE: { charge: 'none', hint: 'another program uses this key: choose another prefix' },
  REDIS_REFUSED: { charge: 'none', hint: 'the server refused the script before it ran; its words are above' },
  REPLY_LOST: { charge: 'possible', hint: 'the connection broke after the request was sent' },
  REPLY_TIMEOUT: { charge: 'possible', hint: 'raise the command timeout, or check the network' },
  REPLICAS_MISSING: {
    charge: 'none',
    hint: 'see its replicas: redis-cli info replication; writes count again once as many as planned keep up',
  },
  NOT_ACKED: {
    charge: 'possible',
    hint: 'a failover may lose the write: raise the command timeout, or check the links to the replicas',
  },
  REPLY_UNEXPECTED: {
    charge: 'possible',
    hint: 'check the version of the server: Redis 7 or Valkey is needed',
  },
  NO_LEASE: {
    charge: 'none',
    hint: 'the cause says why; what was lent before is admitted until its term is over',
  },
  SERVER_MISSING: { charge: 'none', hint: 'run bin/setup, or install redis-server or valkey-server' },
  TOXIPROXY_UNREACHABLE: { charge: 'none', hint: 'check that a Toxiproxy runs there: openclaw-rl toxiproxy' },
  TOXIPROXY_TIMEOUT: {
    charge: 'none',
    hint: 'whether the change was made is not known; restart that Toxiproxy',
  },
  TOXIPROXY_REFUSED: { charge: 'none', hint: 'its words are above' },
  TOXIPROXY_STUCK: { charge: 'none', hint: 'restart that Toxiproxy, then populate it again' },
  TARGET_SILENT: { charge: 'none', hint: 'check the address, and that the service runs' },
  INTERRUPTED: { charge: 'none', hint: 'run the command again' },
  ENVIRONMENT_FAILED: { charge: 'none', hint: 'see the logs named above' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

const ASKERS: ReadonlySet<ErrorCode> = new Set(['INVALID_SUBJECT', 'INVALID_COST', 'COST_ABOVE_CAPACITY']);

/** What was asked can never be decided, whoever is asked and when: who asked is at fault, and not the limiter. */
export function isAskersFault(code: ErrorCode): boolean {
  return ASKERS.has(code);
}

/** Whether an error of this code leaves a charge possible. */
export function chargeOf(code: ErrorCode): Charge {
  return CATALOGUE[code].charge;
}

/** An error with a code from the catalogue: says whether a charge is possible, and the way out. */
export class OpenclawError extends Error {
  override readonly name = 'OpenclawError';
  readonly code: ErrorCode;
  readonly charge: Charge;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.charge = chargeOf(code);
    this.hint = options.hint ?? CATALOGUE[code].hint;
  }
}

/** Shows untrusted text inside a message: quoted, one line, control characters escaped, cut at 60 characters. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'object' ? JSON.stringify(value) : String(value);
  const shown = printable(text);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

/** What moves a cursor, turns text around, is not seen or begins a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** GitHub Actions obeys this wherever it stands in a line. */
const COMMAND = /#(?=#\[)/g;
/** And this at its beginning. */
const LINE_COMMAND = /(?<=^\s*):(?=:)/;

/**
 * Untrusted text on one line, with what a terminal or a CI would obey escaped as JSON has it. It must not begin a line:
 * `::error::` is a bucket's good right, and a command there.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped).replace(COMMAND, escaped);
}

/** The same for a text of several lines, each of which may begin as it likes: the breaks between them stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line).replace(LINE_COMMAND, escaped))
    .join('\n');
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}
