import { CommanderError } from 'commander';
import { OpenclawError, printableLines } from '../core/errors.ts';
import type { Environment } from './environment.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';

/** Says what went wrong, and gives the exit code that it means. */
export function reportError(error: unknown, environment: Environment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
  if (error instanceof OpenclawError) {
    environment.log(printableLines(`error: ${error.message}\n  ${error.hint} [${error.code}]\n`));
    return error.code === 'INTERRUPTED' ? environment.interruptCode() : exitCodeOfError(error.code);
  }
  environment.log(
    `this is a bug of openclaw-rl, please report it:\n${printableLines(String(error instanceof Error ? error.stack : error))}\n`,
  );
  return EXIT.bug;
}
