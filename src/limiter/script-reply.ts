import { OpenclawError } from '../core/errors.ts';
import type { Script } from './script.ts';

/** What our scripts reply: integers. Throws REPLY_UNEXPECTED, since the script has run. */
export function integers(reply: unknown, script: Script, node: string): readonly number[] {
  if (Array.isArray(reply) && reply.every(Number.isSafeInteger)) return reply;
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected integers from ${node}, found ${String(reply)}`,
  );
}

/** Text and integers; text comes as bytes, since nobody told ioredis how to read it. Throws REPLY_UNEXPECTED. */
export function texts(reply: unknown, script: Script, node: string): readonly (string | number)[] {
  const values: unknown[] = Array.isArray(reply)
    ? reply.map((one: unknown) => (Buffer.isBuffer(one) ? one.toString() : one))
    : [];
  if (Array.isArray(reply) && values.every((one) => typeof one === 'string' || Number.isSafeInteger(one)))
    return values as (string | number)[];
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected text and integers from ${node}, found ${String(reply)}`,
  );
}

/** The server does not know the script by its SHA-1, and has run nothing. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
