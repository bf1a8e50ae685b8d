import { type Evidence, parseEvidence } from '../core/decision.ts';
import { HEADERS } from '../core/header-names.ts';
import { parseStatusPattern, type StatusPattern } from '../history/foreign/status.ts';
import type { Outcome, RecordedSettlement, Stated } from '../history/records/operation.ts';
import { readStatedHeaders } from '../history/stated/headers.ts';

/** What one reply means for the bucket. */
export interface Reply {
  readonly outcome: Outcome;
  readonly status: number;
  readonly error?: string;
  readonly decision?: Evidence;
  /** What the limiter stated; only of an allowed or a denied request. */
  readonly stated?: Stated;
  /** What became of the settlement of a request that reserved: `allowed` if it was made. */
  readonly settled?: RecordedSettlement['outcome'];
  /** The service of its region that the gateway sent it to. */
  readonly instance?: string;
  /** The header `Date`, in whole seconds; only where it is read as a clock. */
  readonly dateUs?: number;
}

/** How the replies of a target are read. Plain data that another process can receive. */
export type Replies =
  | {
      readonly of: 'sample';
      /** The gateway names the instance that decided. */
      readonly haveInstance?: boolean;
    }
  | {
      /** Of any API: read by their status, like `2xx`. */
      readonly of: 'any';
      readonly allow: string;
      readonly deny: string;
      /** Their header `Date` is read as a clock. */
      readonly haveDate?: boolean;
    };

/** Of a target that says nothing else. */
export const BY_STATUS: Replies = { of: 'any', allow: '2xx', deny: '429' };

/** How to read these replies; of requests that reserve also their settlement. */
export function readerOf(
  replies: Replies,
  { reserve = false }: { readonly reserve?: boolean } = {},
): ReadReply {
  const read = plainReaderOf(replies);
  return reserve ? withSettlement(read) : read;
}

function plainReaderOf(replies: Replies): ReadReply {
  if (replies.of === 'sample') return replies.haveInstance ? withInstance(readReply) : readReply;
  const read = readByStatus(parseStatusPattern(replies.allow), parseStatusPattern(replies.deny));
  return replies.haveDate ? withDate(read) : read;
}

/**
 * Reads an HTTP reply. Raw headers come as name, value, name, value. `evidence` is what the header of the decision says, if
 * it is known without it.
 */
export type ReadReply = (
  status: number,
  rawHeaders: readonly string[],
  body: string,
  evidence?: Evidence,
) => Reply;

/**
 * Reads a reply of the sample system. 2xx is allowed and 429 denied. Any other 4xx is `failed`: the request was refused
 * before the limiter. All else is `failed` if the problem document has charge `none`, otherwise `info`. A 4xx with
 * charge `possible` is `info`, too: another service than the one that refused may have charged.
 */
export const readReply: ReadReply = (status, rawHeaders, body, evidence) => {
  const decision = evidence ?? findEvidence(rawHeaders);
  const isAllowed = status >= 200 && status < 300;
  if (isAllowed || (status === 429 && !saysPossible(body)))
    return decided(isAllowed ? 'allowed' : 'denied', { status, decision }, rawHeaders);
  const seen = decision === undefined ? { status } : { status, decision };
  if (status >= 400 && status < 500) {
    if (saysPossible(body)) return { outcome: 'info', error: `HTTP_${status}`, status };
    return { outcome: 'failed', error: `HTTP_${status}`, ...seen };
  }
  const problem = parseProblem(body);
  return {
    outcome: problem.charge === 'none' ? 'failed' : 'info',
    error: problem.code ?? `HTTP_${status}`,
    ...seen,
  };
};

/**
 * Reads the replies of any other API by their status, and what their headers state. A reply that is neither allowed nor denied is `info`: the
 * request may be charged now or later.
 */
function readByStatus(allowed: StatusPattern, denied: StatusPattern): ReadReply {
  const known = new Map<number, Reply>();
  return (status, rawHeaders) => {
    let reply = known.get(status);
    if (reply === undefined) {
      const text = String(status);
      const outcome = allowed(text) ? 'allowed' : denied(text) ? 'denied' : 'info';
      reply = { outcome, status, ...(outcome === 'info' ? { error: `HTTP_${status}` } : {}) };
      known.set(status, reply);
    }
    return reply.outcome === 'info' ? reply : decided(reply.outcome, { status }, rawHeaders);
  };
}

/** Written out, since a spread with one more field takes ten times as long. */
function decided(
  outcome: Outcome,
  { status, decision }: { readonly status: number; readonly decision?: Evidence | undefined },
  rawHeaders: readonly string[],
): Reply {
  const stated = readStatedHeaders(rawHeaders);
  if (stated === undefined)
    return decision === undefined ? { outcome, status } : { outcome, status, decision };
  return decision === undefined ? { outcome, status, stated } : { outcome, status, decision, stated };
}

/** Reads replies as `read` does, and also what became of settlements. */
function withSettlement(read: ReadReply): ReadReply {
  return (status, rawHeaders, body, evidence) => {
    const reply = read(status, rawHeaders, body, evidence);
    if (reply.outcome !== 'allowed') return reply;
    const found = findHeader(rawHeaders, HEADERS.settled);
    return { ...reply, settled: found === 'done' ? 'allowed' : found === 'none' ? 'failed' : 'info' };
  };
}

/** Reads replies as `read` does, and also their `Date`. */
function withDate(read: ReadReply): ReadReply {
  return (status, rawHeaders, body) => {
    const reply = read(status, rawHeaders, body);
    const dateUs = 1_000 * Date.parse(findHeader(rawHeaders, 'date') ?? '');
    return Number.isNaN(dateUs) ? reply : { ...reply, dateUs };
  };
}

/** Reads replies as `read` does, and also the instance that a gateway names. */
function withInstance(read: ReadReply): ReadReply {
  return (status, rawHeaders, body, evidence) => {
    const reply = read(status, rawHeaders, body, evidence);
    const instance = findHeader(rawHeaders, HEADERS.instance);
    return instance === undefined ? reply : { ...reply, instance };
  };
}

function findEvidence(rawHeaders: readonly string[]): Evidence | undefined {
  const found = findHeader(rawHeaders, HEADERS.decision);
  return found === undefined ? undefined : parseEvidence(found);
}

/** Header names are case-insensitive. Gives undefined for a header that occurs twice. */
function findHeader(rawHeaders: readonly string[], header: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== header.length || name.toLowerCase() !== header) continue;
    if (found !== undefined) return undefined;
    found = rawHeaders[at + 1];
  }
  return found;
}

/** Denials are many, so only bodies with this word are parsed. */
function saysPossible(body: string): boolean {
  return body.includes('possible') && parseProblem(body).charge === 'possible';
}

function parseProblem(body: string): { charge?: unknown; code?: string } {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return {};
    const { charge, code } = parsed as { charge?: unknown; code?: unknown };
    return { charge, ...(typeof code === 'string' ? { code } : {}) };
  } catch {
    return {};
  }
}
