import type { CheckReport } from '../checker/check.ts';
import type { ErrorCode } from '../core/errors.ts';
import { isOnlySlow } from '../report/check-report.ts';

/** Every exit code of every command. 129, 130 and 143 say which signal interrupted it. */
export const EXIT = {
  pass: 0,
  fail: 1,
  unknown: 2,
  performance: 3,
  usage: 64,
  environment: 69,
  bug: 70,
} as const;

/** That of the verdict; of a run in which only a claim on speed is broken, one of its own. */
export function exitCodeOfReport(report: CheckReport): number {
  return isOnlySlow(report) ? EXIT.performance : EXIT[report.verdict];
}

const ENVIRONMENT_CODES: ReadonlySet<ErrorCode> = new Set([
  'SERVER_MISSING',
  'ENVIRONMENT_FAILED',
  'TARGET_SILENT',
  'INTERRUPTED',
]);

/** What the user typed is 64, what the machine lacks or Redis or Toxiproxy refuses is 69. */
export function exitCodeOfError(code: ErrorCode): number {
  return ENVIRONMENT_CODES.has(code) || /^(REDIS|REPLY|TOXIPROXY)_/.test(code)
    ? EXIT.environment
    : EXIT.usage;
}
