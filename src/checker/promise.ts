import { OpenclawError, quoted } from '../core/errors.ts';
import { type Policy, parseRate } from '../core/policy.ts';

/** What a limiter claims to enforce. `limit` in tokens, `windowUs` in microseconds. */
export type Promised =
  | { readonly type: 'token-bucket' }
  | {
      readonly type: 'fixed-window';
      readonly limit: number;
      readonly windowUs: number;
      /** `epoch`: windows start at multiples of their length; `first`: with an operation; `any`: not said. */
      readonly alignment: 'epoch' | 'first' | 'any';
    }
  | { readonly type: 'sliding-window'; readonly limit: number; readonly windowUs: number }
  /** Approximately a sliding window: two cells, the one before weighted, or several. */
  | { readonly type: 'sliding-counter'; readonly limit: number; readonly windowUs: number };

/** A promise of windows of `limit` tokens each. */
export type WindowPromise = Exclude<Promised, { type: 'token-bucket' }>;

const FORMS =
  'token-bucket, fixed-window:100/60s, fixed-window:100/60s:epoch, fixed-window:100/60s:first, sliding-window:100/60s or sliding-counter:100/60s';

/** Parses a promise as the command line writes it. Throws INVALID_OPTION. */
export function parsePromise(text: string): Promised {
  if (text === 'token-bucket') return { type: 'token-bucket' };
  const [, type, limit = '', window = '', alignment = 'any'] =
    /^(fixed-window|sliding-window|sliding-counter):(\d{1,15})\/(\w+?)(?::(epoch|first))?$/.exec(text) ?? [];
  if (type === undefined || (type !== 'fixed-window' && alignment !== 'any') || Number(limit) < 1) {
    throw new OpenclawError('INVALID_OPTION', `a promise is one of ${FORMS}; found ${quoted(text)}`);
  }
  const windowUs = lengthOf(window, text);
  if (type === 'sliding-window' || type === 'sliding-counter')
    return { type, limit: Number(limit), windowUs };
  return {
    type: 'fixed-window',
    limit: Number(limit),
    windowUs,
    alignment: alignment as 'epoch' | 'first' | 'any',
  };
}

/** The shortest text that `parsePromise` reads back as the same promise. */
export function formatPromise(promise: Promised): string {
  if (promise.type === 'token-bucket') return promise.type;
  const { limit, windowUs } = promise;
  const window = windowUs % 1_000_000 === 0 ? `${windowUs / 1_000_000}s` : `${windowUs}us`;
  const aligned =
    promise.type === 'fixed-window' && promise.alignment !== 'any' ? `:${promise.alignment}` : '';
  return `${promise.type}:${limit}/${window}${aligned}`;
}

/** Tokens: who was admitted this much and denied has met the limit. */
export function limitTokensOf(promise: Promised | undefined, policy: Policy): number {
  return promise === undefined || promise.type === 'token-bucket' ? policy.capacityTokens : promise.limit;
}

function lengthOf(window: string, text: string): number {
  try {
    const { tokens, perUs } = parseRate(`1/${window}`);
    if (tokens === 1) return perUs;
  } catch {
    // worded below
  }
  throw new OpenclawError('INVALID_OPTION', `a promise is one of ${FORMS}; found ${quoted(text)}`);
}
