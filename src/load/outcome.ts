import { type Evidence, parseEvidence } from '../core/decision.ts';
import type { Outcome } from '../history/operation.ts';

/** What one reply means for the bucket. */
export interface Reply {
  readonly outcome: Outcome;
  readonly status: number;
  readonly error?: string;
  readonly decision?: Evidence;
}

/**
 * Reads an HTTP reply: 2xx is allowed, 429 denied, any other 4xx was refused before the limiter, and the rest
 * is `failed` only where the problem document says that no charge was made; else it may have been: `info`.
 */
export function readReply(status: number, headers: Readonly<Record<string, unknown>>, body: string): Reply {
  const [, header] = Object.entries(headers).find(([name]) => name.toLowerCase() === EVIDENCE) ?? [];
  const decision = typeof header === 'string' ? parseEvidence(header) : undefined;
  const seen = { status, ...(decision === undefined ? {} : { decision }) };
  if (status >= 200 && status < 300) return { outcome: 'allowed', ...seen };
  if (status === 429) return { outcome: 'denied', ...seen };
  if (status >= 400 && status < 500) return { outcome: 'failed', error: `HTTP_${status}`, ...seen };
  const problem = parseProblem(body);
  return {
    outcome: problem.charge === 'none' ? 'failed' : 'info',
    error: problem.code ?? `HTTP_${status}`,
    ...seen,
  };
}

/** Names of headers have no case, and proxies change it. */
const EVIDENCE = 'openclaw-decision';

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
