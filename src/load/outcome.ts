import { type Evidence, parseEvidence } from '../core/decision.ts';
import type { StatusPattern } from '../history/foreign/status.ts';
import type { Outcome } from '../history/operation.ts';

/** What one reply means for the bucket. */
export interface Reply {
  readonly outcome: Outcome;
  readonly status: number;
  readonly error?: string;
  readonly decision?: Evidence;
  /** What the header `Date` says, to the second; where it is read as a clock. */
  readonly dateUs?: number;
}

/** Reads an HTTP reply. Raw headers come as name, value, name, value. */
export type ReadReply = (status: number, rawHeaders: readonly string[], body: string) => Reply;

/**
 * Reads a reply of the sample system: 2xx is allowed, 429 denied, any other 4xx was refused before the limiter,
 * and the rest is `failed` only where the problem document says that no charge was made; else it may have been:
 * `info`. So is a 4xx that says so: another service than the one that refused may have charged.
 */
export const readReply: ReadReply = (status, rawHeaders, body) => {
  const decision = findEvidence(rawHeaders);
  const seen = decision === undefined ? { status } : { status, decision };
  if (status >= 200 && status < 300) return { outcome: 'allowed', ...seen };
  if (status >= 400 && status < 500) {
    if (saysPossible(body)) return { outcome: 'info', error: `HTTP_${status}`, status };
    return status === 429
      ? { outcome: 'denied', ...seen }
      : { outcome: 'failed', error: `HTTP_${status}`, ...seen };
  }
  const problem = parseProblem(body);
  return {
    outcome: problem.charge === 'none' ? 'failed' : 'info',
    error: problem.code ?? `HTTP_${status}`,
    ...seen,
  };
};

/**
 * Reads the replies of any other API by their status alone. One that is neither allowed nor denied may have been
 * charged, now or later: `info`.
 */
export function readByStatus(allowed: StatusPattern, denied: StatusPattern): ReadReply {
  const known = new Map<number, Reply>();
  return (status) => {
    let reply = known.get(status);
    if (reply === undefined) {
      const text = String(status);
      const outcome = allowed(text) ? 'allowed' : denied(text) ? 'denied' : 'info';
      reply = { outcome, status, ...(outcome === 'info' ? { error: `HTTP_${status}` } : {}) };
      known.set(status, reply);
    }
    return reply;
  };
}

/** Reads replies as `read` does, and their `Date` beside. */
export function withDate(read: ReadReply): ReadReply {
  return (status, rawHeaders, body) => {
    const reply = read(status, rawHeaders, body);
    const dateUs = 1_000 * Date.parse(findHeader(rawHeaders, 'date') ?? '');
    return Number.isNaN(dateUs) ? reply : { ...reply, dateUs };
  };
}

function findEvidence(rawHeaders: readonly string[]): Evidence | undefined {
  const found = findHeader(rawHeaders, EVIDENCE);
  return found === undefined ? undefined : parseEvidence(found);
}

/** Names of headers have no case, and proxies change it. Two that contend say nothing. */
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

const EVIDENCE = 'openclaw-decision';

/** Denials are many: only what has the word is read. */
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
