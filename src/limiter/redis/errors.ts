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

/** A cluster client follows MOVED, so this client treats the node as a standalone server. */
const OF_A_CLUSTER = 'this server is a cluster node: set cluster: true, or pass a cluster client';

const NO_CLUSTER = 'this server is not in cluster mode: leave out cluster: true, or pass a plain client';

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
  const code = /data string too short/.test(message) ? 'REDIS_WRONG_TYPE' : definiteCode(message);
  if (code !== undefined)
    return new OpenclawError(code, `${sent.node} answered: ${firstLine(message)}`, {
      cause: error,
      ...(message.startsWith('MOVED ') && { hint: OF_A_CLUSTER }),
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
    ...(/cluster support disabled/i.test(why) && { hint: NO_CLUSTER }),
  });
}

/** A connection that failed at several addresses of a host has a list of errors and no message. */
function messageOf(error: Error | undefined): string | undefined {
  return error instanceof AggregateError && error.message === ''
    ? messageOf(error.errors[0])
    : error?.message;
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
