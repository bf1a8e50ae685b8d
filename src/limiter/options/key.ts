import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import type { Subject } from '../limiter.ts';

/** The default key prefix of the library and of every command. */
export const DEFAULT_PREFIX = 'rate:openclaw';

const MAX_PART_BYTES = 256;

/**
 * The Redis key of a subject's bucket: prefix, user and endpoint, joined by colons. User and endpoint are escaped:
 * `:` and `%`, so that two subjects cannot collide, and `{` and `}`, so that a user cannot choose a slot. Throws
 * INVALID_SUBJECT for an empty string, more than 256 bytes, control characters, or malformed Unicode.
 */
export function bucketKey(prefix: string, subject: Subject): string {
  return `${prefix}:${bucketName(subject)}`;
}

/** The part of a bucket's key after the prefix. Throws INVALID_SUBJECT as `bucketKey` does. */
export function bucketName(subject: Subject): string {
  const { user, endpoint } = subject ?? {};
  return `${escapePart('user', user)}:${escapePart('endpoint', endpoint)}`;
}

/**
 * The key that remembers the take, refund or reservation with this decision id. Its hash tag is that of the bucket's key,
 * or the whole key of a bucket without one, so both keys are in one slot. Throws INVALID_OPTION unless the id is 1 to 128 letters, digits and `_ . : + / = -`.
 */
export function memoryKey(bucket: string, what: 'take' | 'refund' | 'reserve', decisionId: string): string {
  // The expression would accept null as the text "null", one id for many requests.
  if (typeof decisionId === 'string' && /^[\w.:+/=-]{1,128}$/.test(decisionId))
    return `${bucket.includes('{') ? bucket : `{${bucket}}`}:${what}:${decisionId}`;
  throw invalidOption(
    `a decision id is 1 to 128 letters, digits and _ . : + / = - ; found ${quoted(decisionId)}`,
    'use crypto.randomUUID()',
  );
}

/** The key that remembers the last move of a bucket, in its slot. */
export function recordKey(bucket: string): string {
  return `${bucket.includes('{') ? bucket : `{${bucket}}`}:move`;
}

/** Returns the prefix, or the default. Throws INVALID_OPTION for characters that could change a key's slot or parts. */
export function checkPrefix(requested?: string | null): string {
  const prefix = requested ?? DEFAULT_PREFIX;
  if (typeof prefix === 'string' && /^[\w.:/-]{1,128}$/.test(prefix)) return prefix;
  throw invalidOption(
    `a key prefix is 1 to 128 letters, digits and _ . : / - ; found ${quoted(prefix)}`,
    `the default is ${DEFAULT_PREFIX}`,
  );
}

/** Throws INVALID_SUBJECT unless user and endpoint are non-empty strings. */
export function checkSubject(subject: Subject): void {
  const { user, endpoint } = subject ?? {};
  checkText('user', user);
  checkText('endpoint', endpoint);
}

/** Most names match this and need no further check. */
const PLAIN = /^[\w.@+ -]{1,256}$/;

function escapePart(what: string, value: string | undefined): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  checkText(what, value);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_PART_BYTES) {
    throw new OpenclawError(
      'INVALID_SUBJECT',
      `${what} must be at most ${MAX_PART_BYTES} bytes; found ${bytes}`,
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value) || !value.isWellFormed()) {
    throw new OpenclawError(
      'INVALID_SUBJECT',
      `${what} must not contain control characters; found ${quoted(value)}`,
    );
  }
  return value.replace(/[%:{}]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function checkText(what: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '') return;
  throw new OpenclawError('INVALID_SUBJECT', `${what} must be a non-empty string; found ${quoted(value)}`);
}
