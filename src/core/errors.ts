/** Whether the failed operation may have taken tokens: `none` means certainly not, `possible` means perhaps. */
export type Charge = 'none' | 'possible';

interface CatalogueEntry {
  readonly charge: Charge;
  /** The cause that the exit code names: the arguments (default), or the machine and its servers. */
  readonly exit?: 'usage' | 'environment';
  /** What to do about it: a command to run, if there is one. */
  readonly hint: string;
}

const AROUND = { charge: 'none', exit: 'environment' } as const;
const UNHEARD = { charge: 'possible', exit: 'environment' } as const;

/** Every error that this project throws on purpose: whether tokens may have been taken, and what to do. */
const CATALOGUE = {
  INVALID_POLICY: { charge: 'none', hint: 'write a policy as capacity:rate, for example 20:5/s' },
  INVALID_COST: { charge: 'none', hint: 'a cost is a whole number of tokens, at least 1' },
  COST_ABOVE_CAPACITY: {
    charge: 'none',
    hint: 'waiting does not help: lower the cost or raise the capacity',
  },
  INVALID_SUBJECT: { charge: 'none', hint: 'use 1 to 256 bytes of text without control characters' },
  INVALID_OPTION: { charge: 'none', hint: 'see --help' },
  INVALID_SCENARIO: { charge: 'none', hint: 'see scenarios/scenario.schema.json for what each key means' },
  INVALID_CLAIM: {
    charge: 'none',
    hint: "write a claim like 'total-excess <= 0', 'info <= 5%' or 'p99(allowed) <= 250ms during partition'",
  },
  INVALID_REPORT: { charge: 'none', hint: 'name the folder of a run, or make one: openclaw-rl bench' },
  INVALID_HISTORY: { charge: 'none', hint: 'see docs/reference/history-format.md' },
  INVALID_CERTIFICATE: {
    charge: 'none',
    hint: 'write it again: openclaw-rl check <history> --certificate <file>',
  },
  LIMITER_CLOSED: { charge: 'none', hint: 'create a new limiter; this one was closed' },
  LIMITER_REFUSED: { charge: 'none', hint: "see the plug-in's errors in the log of the service" },
  LIMITER_FAILED: {
    charge: 'possible',
    hint: "see the plug-in's error in the log of the service; set charge: 'none' on errors that certainly charged nothing",
  },
  REDIS_UNREACHABLE: {
    ...AROUND,
    hint: 'check that Redis runs at this address and accepts connections',
  },
  REDIS_AUTH: { ...AROUND, hint: 'check the user name and the password of the Redis connection' },
  REDIS_READ_ONLY: { ...AROUND, hint: 'connect to the primary, or to the cluster, not to a replica' },
  REDIS_OUT_OF_MEMORY: { ...AROUND, hint: 'raise maxmemory; buckets expire by themselves once full' },
  REDIS_CLUSTER_DOWN: { ...AROUND, hint: 'wait for the failover, or see: redis-cli cluster info' },
  REDIS_SLOT_MOVING: {
    ...AROUND,
    hint: 'the slot is being migrated: retry with the same decision id until the migration ends',
  },
  BUCKET_MOVING: {
    ...AROUND,
    hint: 'retry soon; if the move has died, repeat it: limiter.rehome(subject, { from, to, move })',
  },
  BUCKET_MOVED: {
    ...AROUND,
    hint: 'regionOf names the home that the bucket has left: let it name the one that it moved to',
  },
  MOVE_REFUSED: { charge: 'none', hint: 'see the message above' },
  REDIS_WRONG_TYPE: { ...AROUND, hint: 'another program uses this key: choose another prefix' },
  REDIS_REFUSED: { ...AROUND, hint: 'the server refused the script before it ran; see its message above' },
  REPLY_LOST: { ...UNHEARD, hint: 'the connection broke after sending; check server and network' },
  REPLY_TIMEOUT: { ...UNHEARD, hint: 'raise the command timeout, or check the network' },
  REPLICAS_MISSING: {
    charge: 'none',
    hint: 'check the replicas: redis-cli info replication; writes are accepted again once enough replicas keep up',
  },
  NOT_ACKED: {
    charge: 'possible',
    hint: 'a failover may lose the write: raise the command timeout, or check the links to the replicas',
  },
  REPLY_UNEXPECTED: {
    ...UNHEARD,
    hint: 'check the version of the server: Redis 7 or Valkey is required',
  },
  NO_LEASE: {
    charge: 'none',
    hint: 'see the cause; tokens that were lent before can be spent until their lease ends',
  },
  RESERVATION_UNKNOWN: {
    charge: 'none',
    hint: 'its tokens stay spent, unless they expired: settle sooner, or raise reservationMemoryMs',
  },
  RESERVATION_EXPIRED: {
    charge: 'none',
    hint: 'its tokens were given back: take what was used, and raise expiresMs',
  },
  RESERVATION_SETTLED: { charge: 'none', hint: 'make another reservation' },
  RESERVATION_CHANGED: {
    charge: 'none',
    hint: 'heldTokens is up to date now; extend again if that is too few',
  },
  RESERVATIONS_FULL: {
    charge: 'none',
    hint: 'settle others of this subject first, or reserve without expiresMs',
  },
  ACTUAL_ABOVE_HELD: { charge: 'none', hint: 'extend the reservation first, or settle at what it holds' },
  SERVER_MISSING: {
    ...AROUND,
    hint: 'install redis-server (7 or later) or valkey-server; where Docker with Compose answers, regions are containers',
  },
  TOXIPROXY_UNREACHABLE: { ...AROUND, hint: 'check that a Toxiproxy runs there: openclaw-rl toxiproxy' },
  TOXIPROXY_TIMEOUT: {
    ...AROUND,
    hint: 'the change may have been made; restart that Toxiproxy',
  },
  TOXIPROXY_REFUSED: { ...AROUND, hint: "see the server's message above" },
  TOXIPROXY_STUCK: { ...AROUND, hint: 'restart that Toxiproxy, then populate it again' },
  TARGET_SILENT: { ...AROUND, hint: 'check the address, and that the service runs' },
  INTERRUPTED: { ...AROUND, hint: 'run the command again' },
  ENVIRONMENT_FAILED: { ...AROUND, hint: 'see the logs named above' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

const REQUEST: ReadonlySet<ErrorCode> = new Set(['INVALID_SUBJECT', 'INVALID_COST', 'COST_ABOVE_CAPACITY']);

/** Whether the request itself is invalid: no limiter can decide it, now or later. */
export function isInvalidRequest(code: ErrorCode): boolean {
  return REQUEST.has(code);
}

/** An error of a newer version of the other package may have a code that is not in this catalogue. */
const entryOf = (code: string): CatalogueEntry | undefined =>
  Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ErrorCode] : undefined;

/** Whether an error of this code leaves a charge possible; so does one that is not known. */
export function chargeOf(code: ErrorCode): Charge {
  return entryOf(code)?.charge ?? 'possible';
}

/** The cause that the exit code of a command names for this error. */
export function exitOf(code: ErrorCode): 'usage' | 'environment' {
  return (entryOf(code) ?? AROUND).exit ?? 'usage';
}

/** The same in each copy of this file: of both packages, of their versions, of bundles. */
const BRAND = Symbol.for('openclaw-rl.error');

/**
 * An error with a `code` of the catalogue. `charge` says whether tokens may have been taken, `hint` what to do.
 * `cause` is the original error, if there is one. `instanceof` holds for errors of each copy of this class.
 */
export class OpenclawError extends Error {
  override readonly name = 'OpenclawError';
  readonly code: ErrorCode;
  readonly charge: Charge;
  readonly hint: string;

  static {
    Object.defineProperty(OpenclawError.prototype, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this, and has instances of its own
    if (this !== OpenclawError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.charge = chargeOf(code);
    this.hint = options.hint ?? entryOf(code)?.hint ?? '';
  }
}

/** Makes an INVALID_OPTION error. `message` says what was expected and what was found; the default hint is `see --help`. */
export function invalidOption(message: string, hint?: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', message, hint === undefined ? {} : { hint });
}

/** Makes an ENVIRONMENT_FAILED error: the machine or a server failed. The default hint names the logs. */
export function environmentFailed(message: string, hint?: string, cause?: unknown): OpenclawError {
  return new OpenclawError('ENVIRONMENT_FAILED', message, { cause, ...(hint === undefined ? {} : { hint }) });
}
