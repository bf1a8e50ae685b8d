import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { nearest } from '../../../core/did-you-mean.ts';
import type { Policy } from '../../../core/policy.ts';
import { quoted, shown } from '../../../core/printable.ts';
import { checkAbout, type LimiterAbout } from '../about.ts';
import { messageOf, refused } from '../error.ts';

/** What a file says of a limiter that is a program of its own. */
export interface LimiterFile {
  /** The program and its arguments; it runs in the folder of the file. */
  readonly command: readonly [string, ...string[]];
  /** As a plug-in exports it; `{capacity}` and `{fillMs}` stand for those of the policy. */
  readonly promise?: string;
  /** Whether it enforces several policies. */
  readonly severalPolicies?: boolean;
  /** What it is, for its row of the scoreboard. */
  readonly about?: LimiterAbout;
}

const KEYS = ['command', 'promise', 'severalPolicies', 'about'];

/**
 * Reads the file of a limiter, or a scenario whose `limiter` has the same keys. Throws INVALID_OPTION with the key that is
 * wrong.
 */
export async function readLimiterFile(file: string): Promise<LimiterFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refused(file, `cannot be read: ${messageOf(error)}`, error);
  });
  const value = readYaml(file, text);
  return checkFile(file, isMapping(value) && isMapping(value.limiter) ? value.limiter : value);
}

function readYaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw refused(file, `is no YAML: ${messageOf(error)}`, error);
  }
}

function checkFile(file: string, value: unknown): LimiterFile {
  if (!isMapping(value)) throw refused(file, `must have the key command; found ${shown(value)}`);
  for (const key of Object.keys(value)) if (!KEYS.includes(key)) throw unknownKey(file, key);
  const { command, promise, severalPolicies, about } = value;
  if (!isCommand(command))
    throw refused(
      file,
      `command must be a list of texts, the program first, like [python3, mine.py]; found ${shown(command)}`,
    );
  if (promise !== undefined && typeof promise !== 'string')
    throw refused(file, `promise must be a text, like token-bucket; found ${shown(promise)}`);
  if (severalPolicies !== undefined && typeof severalPolicies !== 'boolean')
    throw refused(file, `severalPolicies must be true or false; found ${shown(severalPolicies)}`);
  return {
    command,
    ...(promise !== undefined && { promise }),
    ...(severalPolicies !== undefined && { severalPolicies }),
    ...(about !== undefined && { about: checkAbout(file, about) }),
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCommand(value: unknown): value is LimiterFile['command'] {
  return (
    Array.isArray(value) &&
    value.every((part) => typeof part === 'string') &&
    typeof value[0] === 'string' &&
    value[0] !== ''
  );
}

function unknownKey(file: string, key: string): Error {
  const close = nearest(key, KEYS);
  const meant = close === undefined ? '' : `, did you mean ${close}`;
  return refused(file, `has the unknown key ${quoted(key)}${meant}; its keys are ${KEYS.join(', ')}`);
}

/** The promise for a policy: `{capacity}` is its tokens, `{fillMs}` the milliseconds until an empty bucket is full. */
export function promiseFor(promise: string, policy: Policy): string {
  return promise
    .replaceAll('{capacity}', String(policy.capacityTokens))
    .replaceAll('{fillMs}', String(fillMs(policy)));
}

/** The whole milliseconds until an empty bucket is full: the window of a limiter that counts. */
export function fillMs({ capacityTokens, refill }: Policy): number {
  return Math.round((capacityTokens * refill.perUs) / refill.tokens / 1_000);
}
