import { invalidOption, OpenclawError } from '../core/errors.ts';
import { type NamedPolicy, parsePolicies } from '../core/policies.ts';
import { makePolicy } from '../core/policy.ts';
import { quoted } from '../core/printable.ts';
import { type Promised, parsePromise } from '../core/promise.ts';

/** What a recording is held against: policies, or a promise of windows, which has the policy of its limit and length. */
export interface Yardstick {
  readonly promise: Promised;
  readonly policies: readonly NamedPolicy[];
}

export function ofPolicies(policies: readonly NamedPolicy[]): Yardstick {
  return { promise: { type: 'token-bucket' }, policies };
}

/** Reads `20:5/s`, or `burst=10:10/s, hourly=1000:1000/h`. Throws INVALID_POLICY, and INVALID_OPTION for a promise. */
export function readPolicies(text: unknown): Yardstick {
  if (typeof text === 'string' && isPromise(text))
    throw invalidOption(`${quoted(text)} is a promise, no policy`, `write toKeepPromise('${text}')`);
  if (typeof text === 'string') return ofPolicies(parsePolicies(text));
  throw invalidOption(
    `a policy is a text like 20:5/s; found ${quoted(text)}`,
    "for example toKeepPolicy('20:5/s')",
  );
}

/** Reads `fixed-window:100/60s` and what else `check --promise` takes. Throws INVALID_OPTION. */
export function readPromise(text: unknown): Yardstick {
  if (typeof text !== 'string')
    throw invalidOption(
      `a promise is a text like fixed-window:100/60s; found ${quoted(text)}`,
      "for example toKeepPromise('fixed-window:100/60s')",
    );
  const promise = parse(text);
  if (promise.type === 'token-bucket')
    throw invalidOption('a token bucket is judged by its policy', "for example toKeepPolicy('20:5/s')");
  const policy = makePolicy(promise.limit, { tokens: promise.limit, perUs: promise.windowUs });
  return { promise, policies: [{ name: '', policy }] };
}

/** Reads a policy, or a promise. */
export function readEither(text: unknown): Yardstick {
  return typeof text === 'string' && isPromise(text) ? readPromise(text) : readPolicies(text);
}

function isPromise(text: string): boolean {
  return /^[a-z-]+:/.test(text);
}

/** The hint of the command line would name its `--help`. */
function parse(text: string): Promised {
  try {
    return parsePromise(text);
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    const hint = isPolicy(text)
      ? `a policy of a token bucket is judged by toKeepPolicy('${text}')`
      : "for example toKeepPromise('fixed-window:100/60s')";
    throw invalidOption(error.message, hint);
  }
}

function isPolicy(text: string): boolean {
  try {
    return parsePolicies(text).length > 0;
  } catch {
    return false;
  }
}
