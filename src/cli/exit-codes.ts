import type { ErrorCode } from '../core/errors.ts';
import type { Verdict } from '../core/verdict.ts';

/** Every exit code of every command. 130 and 143 say which signal interrupted it. */
export const EXIT = {
  pass: 0,
  fail: 1,
  unknown: 2,
  performance: 3,
  usage: 64,
  environment: 69,
  bug: 70,
} as const;

export function exitCodeOfVerdict(verdict: Verdict): number {
  return EXIT[verdict];
}

const ENVIRONMENT_CODES: ReadonlySet<ErrorCode> = new Set([
  'SERVER_MISSING',
  'ENVIRONMENT_FAILED',
  'INTERRUPTED',
]);

/** What the user typed is 64, what the machine lacks or Redis refuses is 69. */
export function exitCodeOfError(code: ErrorCode): number {
  return ENVIRONMENT_CODES.has(code) || code.startsWith('REDIS_') || code.startsWith('REPLY_')
    ? EXIT.environment
    : EXIT.usage;
}
