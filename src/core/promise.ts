import { nearest } from './did-you-mean.ts';
import { invalidOption, type OpenclawError } from './errors.ts';
import { type Policy, parseRate } from './policy.ts';
import { quoted } from './printable.ts';

/** What a limiter claims to enforce. `limit` in tokens, `windowUs` in microseconds. */
export type Promised =
  | { readonly type: 'token-bucket' }
  | {
      readonly type: 'fixed-window';
      readonly limit: number;
      readonly windowUs: number;
      /** When windows start. `epoch`: at multiples of their length; `first`: with an operation; `any`: unknown. */
      readonly alignment: 'epoch' | 'first' | 'any';
    }
  | { readonly type: 'sliding-window'; readonly limit: number; readonly windowUs: number }
  /** An approximation of a sliding window, by several cells or by two cells of which the older is weighted. */
  | { readonly type: 'sliding-counter'; readonly limit: number; readonly windowUs: number };

/** A promise of windows of `limit` tokens each. */
export type WindowPromise = Exclude<Promised, { type: 'token-bucket' }>;

const FORMS =
  'token-bucket, fixed-window:100/60s, fixed-window:100/60s:epoch, fixed-window:100/60s:first, sliding-window:100/60s or sliding-counter:100/60s';
const WINDOWS = ['fixed-window', 'sliding-window', 'sliding-counter'] as const;

/** Parses a promise as the command line writes it. Throws INVALID_OPTION, which names the part that is wrong. */
export function parsePromise(text: string): Promised {
  if (text === 'token-bucket') return { type: 'token-bucket' };
  const [name = '', amount, alignment, ...more] = text.split(':');
  const type = WINDOWS.find((known) => known === name);
  if (type === undefined) throw invalid(text, whyNoType(name));
  const example = `; for example ${type}:100/60s`;
  const [limitText = '', ...lengthTexts] = amount?.split('/') ?? [];
  if (amount === undefined || lengthTexts.length !== 1)
    throw invalid(
      text,
      `expected a limit, / and the length of a window after ${type}:; found ${quoted(amount ?? '')}${example}`,
    );
  const limit = /^\d{1,15}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1)
    throw invalid(
      text,
      `the limit must be a whole number of tokens, at least 1; found ${quoted(limitText)}${example}`,
    );
  const windowUs = lengthOf(lengthTexts[0] as string);
  if (windowUs === undefined)
    throw invalid(
      text,
      `the length of a window must be a whole number of us, ms, s, min, h or d; found ${quoted(lengthTexts[0])}${example}`,
    );
  if (type !== 'fixed-window') {
    if (alignment === undefined) return { type, limit, windowUs };
    throw invalid(text, `${type} takes nothing after its window; found ${quoted(alignment)}${example}`);
  }
  if (more.length > 0 || (alignment !== undefined && alignment !== 'epoch' && alignment !== 'first'))
    throw invalid(
      text,
      `a fixed window may end with ":epoch" or ":first" only; found ${quoted([alignment, ...more].join(':'))}${example}:epoch`,
    );
  return { type, limit, windowUs, alignment: alignment ?? 'any' };
}

function whyNoType(name: string): string {
  if (name === 'token-bucket')
    return 'token-bucket takes no numbers, because the policy has them; for example token-bucket';
  const near = nearest(name, ['token-bucket', ...WINDOWS]);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  return `unknown promise ${quoted(name)}; ${meant}expected one of ${FORMS}`;
}

function invalid(text: string, why: string): OpenclawError {
  return invalidOption(`promise ${quoted(text)}: ${why}`);
}

/** The shortest text from which `parsePromise` makes the same promise. */
export function formatPromise(promise: Promised): string {
  if (promise.type === 'token-bucket') return promise.type;
  const { limit, windowUs } = promise;
  const window = windowUs % 1_000_000 === 0 ? `${windowUs / 1_000_000}s` : `${windowUs}us`;
  const aligned =
    promise.type === 'fixed-window' && promise.alignment !== 'any' ? `:${promise.alignment}` : '';
  return `${promise.type}:${limit}/${window}${aligned}`;
}

/** Whether the promise says at which moments a limiter must admit, if the time of day of its clock is known. */
export function provesDenials(promise: Promised): boolean {
  return promise.type === 'fixed-window' ? promise.alignment === 'epoch' : promise.type !== 'sliding-counter';
}

/** Tokens: the capacity of the bucket or the limit of the window. */
export function limitTokensOf(promise: Promised | undefined, policy: Policy): number {
  return promise === undefined || promise.type === 'token-bucket' ? policy.capacityTokens : promise.limit;
}

function lengthOf(window: string): number | undefined {
  try {
    return parseRate(`1/${window}`).perUs;
  } catch {
    return undefined;
  }
}
