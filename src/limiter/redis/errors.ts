import { type ErrorCode, OpenclawError } from '../../core/errors.ts';

/** Error replies that Redis sends before a script runs: the bucket is certainly unchanged. */
const DEFINITE: Readonly<Record<string, ErrorCode>> = {
  NOAUTH: 'REDIS_AUTH',
  WRONGPASS: 'REDIS_AUTH',
  NOPERM: 'REDIS_AUTH',
  READONLY: 'REDIS_READ_ONLY',
  OOM: 'REDIS_OUT_OF_MEMORY',
  CLUSTERDOWN: 'REDIS_CLUSTER_DOWN',
  TRYAGAIN: 'REDIS_SLOT_MOVING',
  MOVED: 'REDIS_CLUSTER_DOWN',
  ASK: 'REDIS_SLOT_MOVING',
  MASTERDOWN: 'REDIS_CLUSTER_DOWN',
  LOADING: 'REDIS_REFUSED',
  BUSY: 'REDIS_REFUSED',
  MISCONF: 'REDIS_REFUSED',
  NOREPLICAS: 'REDIS_REFUSED',
  NOSCRIPT: 'REDIS_REFUSED',
  WRONGTYPE: 'REDIS_WRONG_TYPE',
};

/** Error replies of the scripts, which have written nothing that charges: lua/shared/refuse-mark.lua. */
const MARKS = { BUCKETMOVING: 'BUCKET_MOVING', BUCKETMOVED: 'BUCKET_MOVED' } as const;

/** The error for a bucket that a move has closed or taken away. */
export function awayError(
  code: (typeof MARKS)[keyof typeof MARKS],
  move: number,
  node: string,
): OpenclawError {
  const took = `move ${move} took this bucket away from ${node}`;
  return new OpenclawError(
    code,
    code === 'BUCKET_MOVED' ? took : `move ${move} of this bucket has not ended`,
  );
}

/** A cluster client follows MOVED, so this client treats the node as a standalone server. */
const OF_A_CLUSTER = 'this server is a cluster node: set cluster: true, or pass a cluster client';

const NO_CLUSTER = 'this server is not in cluster mode: leave out cluster: true, or pass a plain client';

const UNKNOWN_PRIMARY =
  'check the name of the primary; those that a Sentinel knows: redis-cli -h host -p 26379 sentinel masters';

const BY_SENTINEL =
  "connect by the Sentinels: redis: { sentinel: { primary: 'mymaster' }, urls: ['redis://host:26379'] }, or pass a client of Sentinels";

/** Every version of Redis that is supported has these commands; a Sentinel does not. */
const NOT_OF_SENTINELS = /unknown command ['`](evalsha|cluster)\b/i;

/** Throws REDIS_REFUSED if this reply to INFO is that of a Sentinel, which answers a PING as a server does. */
export function refuseSentinel(info: unknown, node: string): void {
  if (!/^redis_mode:sentinel\r?$/m.test(String(info))) return;
  throw new OpenclawError('REDIS_REFUSED', `${node} is a Sentinel, not the server with the buckets`, {
    hint: BY_SENTINEL,
  });
}

/** The error of every call to a closed limiter. */
export function closedError(): OpenclawError {
  return new OpenclawError('LIMITER_CLOSED', 'this limiter was closed');
}

/** Whether a failed command was written to a socket, and to which node. */
export interface SendRecord {
  readonly written: boolean;
  readonly node: string;
}

/**
 * Maps the failure of a command to an error of the catalogue. A definite error reply means no charge; otherwise a
 * charge is possible if and only if the command was written.
 */
export function describeFailure(
  error: unknown,
  sent: SendRecord,
  lastConnectionError: Error | undefined,
): OpenclawError {
  if (error instanceof OpenclawError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const [, mark, move] = /\b(BUCKETMOVING|BUCKETMOVED) move (\d+)/.exec(message) ?? [];
  if (mark !== undefined) return awayError(MARKS[mark as keyof typeof MARKS], Number(move), sent.node);
  const code = /data string too short/.test(message) ? 'REDIS_WRONG_TYPE' : refusedCode(message);
  if (code !== undefined)
    return new OpenclawError(code, `${sent.node} answered: ${firstLine(message)}`, {
      cause: error,
      ...hintFor(message),
    });
  if (isErrorReply(error)) {
    return new OpenclawError('REPLY_UNEXPECTED', `${sent.node} answered: ${firstLine(message)}`, {
      cause: error,
    });
  }
  if (!sent.written) return unreachable(error, message, lastConnectionError);
  return /timed out/i.test(message)
    ? new OpenclawError('REPLY_TIMEOUT', `${sent.node} did not reply in time`, { cause: error })
    : new OpenclawError('REPLY_LOST', `${sent.node} closed the connection before it replied`, {
        cause: error,
      });
}

/** The command was not written: the reason is the connection's last error, if there is one. */
function unreachable(error: unknown, message: string, lastConnectionError: Error | undefined): OpenclawError {
  const why = messageOf(lastConnectionError) || message;
  const code = definiteCode(why) ?? 'REDIS_UNREACHABLE';
  const sentence = code === 'REDIS_UNREACHABLE' ? 'no connection to Redis' : 'Redis refused the connection';
  return new OpenclawError(code, `${sentence}: ${firstLine(why)}`, {
    cause: error,
    ...hintFor(why),
  });
}

/** The way out of an answer that shows another kind of server than the limiter was made for. */
function hintFor(message: string): { readonly hint: string } | undefined {
  if (message.startsWith('MOVED ')) return { hint: OF_A_CLUSTER };
  if (/cluster support disabled/i.test(message)) return { hint: NO_CLUSTER };
  if (/no such (master|primary) with that name/i.test(message)) return { hint: UNKNOWN_PRIMARY };
  return NOT_OF_SENTINELS.test(message) ? { hint: `if this is a Sentinel, ${BY_SENTINEL}` } : undefined;
}

/** A connection that failed at several addresses of a host has a list of errors and no message. */
function messageOf(error: Error | undefined): string | undefined {
  return error instanceof AggregateError && error.message === ''
    ? messageOf(error.errors[0])
    : error?.message;
}

/** As `definiteCode`; an unknown command has certainly not run. */
function refusedCode(message: string): ErrorCode | undefined {
  return NOT_OF_SENTINELS.test(message) ? 'REDIS_REFUSED' : definiteCode(message);
}

/** The code of an error reply, also if ioredis wraps it (`Too many Cluster redirections. Last error: ...`). */
function definiteCode(message: string): ErrorCode | undefined {
  const [, word = ''] = /^(?:.*Last error: )?(?:ReplyError: )?([A-Z]+)\b/.exec(message) ?? [];
  // Redirections between two nodes mean that the slot is being migrated.
  if (/^Too many Cluster redirections.*(MOVED|ASK) /.test(message)) return 'REDIS_SLOT_MOVING';
  return Object.hasOwn(DEFINITE, word) ? DEFINITE[word] : undefined;
}

function isErrorReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 200) ?? '';
}
