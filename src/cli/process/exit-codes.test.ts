import { expect, it } from 'vitest';
import type { ErrorCode } from '../../core/errors.ts';
import { exitCodeOfError } from './exit-codes.ts';

it.each<[ErrorCode, number]>([
  ['INVALID_OPTION', 64],
  ['INVALID_SCENARIO', 64],
  ['REDIS_UNREACHABLE', 69],
  ['REPLY_TIMEOUT', 69],
  ['TOXIPROXY_STUCK', 69],
  ['SERVER_MISSING', 69],
  ['INTERRUPTED', 69],
])('%s ends a command with %i', (code, exit) => {
  expect(exitCodeOfError(code)).toBe(exit);
});
