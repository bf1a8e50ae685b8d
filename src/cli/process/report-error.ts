import { CommanderError } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { printableLines } from '../../core/printable.ts';
import type { Environment } from './environment.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';

/** Logs the error and returns its exit code. */
export function reportError(error: unknown, environment: Environment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
  if (error instanceof OpenclawError) {
    environment.log(printableLines(`error: ${error.message}\n  ${error.hint} [${error.code}]\n`));
    return error.code === 'INTERRUPTED' ? environment.interruptCode() : exitCodeOfError(error.code);
  }
  environment.log(
    `this is a bug in openclaw-rl, please report it:\n${printableLines(String(error instanceof Error ? error.stack : error))}\n`,
  );
  return EXIT.bug;
}
