import type { CheckReport } from '../../checker/check.ts';
import { type ErrorCode, exitOf } from '../../core/errors.ts';
import { isOnlySlow } from '../../report/check-report.ts';

/** The exit codes of all commands, except 129, 130 and 143 for the signal that interrupted it. */
export const EXIT = {
  pass: 0,
  fail: 1,
  unknown: 2,
  performance: 3,
  usage: 64,
  environment: 69,
  bug: 70,
} as const;

/** The exit code of the verdict; `performance` if only claims on speed are broken. */
export function exitCodeOfReport(report: CheckReport): number {
  return isOnlySlow(report) ? EXIT.performance : EXIT[report.verdict];
}

/** 64 for mistakes of the user; 69 for a missing program and errors of Redis or Toxiproxy. */
export function exitCodeOfError(code: ErrorCode): number {
  return EXIT[exitOf(code)];
}
