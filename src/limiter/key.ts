import { OpenclawError, quoted } from '../core/errors.ts';
import type { Subject } from './limiter.ts';

/** The prefix of the guide, and the default of every command. */
export const DEFAULT_PREFIX = 'rate:openclaw';

const MAX_PART_BYTES = 256;

/**
 * The Redis key of a subject's bucket: prefix, user, endpoint, joined by colons. User text is escaped so that
 * it can neither collide with another subject (`:` and `%`) nor choose a slot (`{` and `}`). Throws
 * INVALID_SUBJECT for empty or long text, control characters, and text that is not well-formed Unicode.
 */
export function bucketKey(prefix: string, subject: Subject): string {
  const { user, endpoint } = subject ?? {};
  return `${prefix}:${escapePart('user', user)}:${escapePart('endpoint', endpoint)}`;
}

/**
 * Where the admission or the refund by one id is remembered: its tag is the whole key of the bucket, so both are in
 * one slot. Throws INVALID_OPTION for an id that is no 1 to 128 letters, digits and `_ . : + / = -`.
 */
export function memoryKey(bucket: string, what: 'take' | 'refund', decisionId: string): string {
  // A null or a number would be text to the expression, and one id for many.
  if (typeof decisionId === 'string' && /^[\w.:+/=-]{1,128}$/.test(decisionId))
    return `{${bucket}}:${what}:${decisionId}`;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a decision id is 1 to 128 letters, digits and _ . : + / = - ; found ${quoted(decisionId)}`,
    { hint: 'make one by crypto.randomUUID()' },
  );
}

/** Refuses a prefix that could move keys between slots or confuse the parts of a key. */
export function checkPrefix(prefix: string): string {
  if (typeof prefix === 'string' && /^[\w.:/-]{1,128}$/.test(prefix)) return prefix;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a key prefix is 1 to 128 letters, digits and _ . : / - ; found ${quoted(prefix)}`,
    { hint: `the default is ${DEFAULT_PREFIX}` },
  );
}

/** Throws INVALID_SUBJECT for what is none, before anybody looks into it. */
export function checkSubject(subject: Subject): void {
  const { user, endpoint } = subject ?? {};
  checkText('user', user);
  checkText('endpoint', endpoint);
}

/** Most text is this, and needs no other look. */
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
      `${what} must not hold control characters; found ${quoted(value)}`,
    );
  }
  return value.replace(/[%:{}]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function checkText(what: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '') return;
  throw new OpenclawError(
    'INVALID_SUBJECT',
    `${what} must be text that is not empty; found ${quoted(value)}`,
  );
}
