import type { Stated } from '../../core/stated.ts';

export interface PluginDecision {
  readonly allowed: boolean;
  /** For a denial: milliseconds until a retry can succeed. */
  readonly retryAfterMs?: number;
  /** The whole tokens, requests or points that are left. */
  readonly remaining?: number;
  /** Milliseconds until the window ends, or until the bucket is full. */
  readonly resetMs?: number;
}

/** What a decision states. Retry-after is for a denial; some libraries give the time of a reset with every answer. */
export function readStated({ allowed, retryAfterMs, remaining, resetMs }: PluginDecision): Stated {
  const retryAfterS = allowed ? undefined : toSeconds(retryAfterMs);
  const reset = toSeconds(resetMs);
  return {
    ...(remaining !== undefined && { remaining: rounded(remaining) }),
    ...(retryAfterS !== undefined && { retryAfterS }),
    ...(reset !== undefined && { reset, resetForm: 'delta' }),
  };
}

/** Whether every number is one that a limiter can state. */
export function areAmounts({ retryAfterMs, remaining, resetMs }: PluginDecision): boolean {
  return [retryAfterMs, remaining, resetMs].every(
    (value: unknown) =>
      value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0),
  );
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : rounded(ms / 1_000);
}

/** To a millionth, and to a number that a history holds. */
function rounded(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round(value * 1_000_000) / 1_000_000);
}
