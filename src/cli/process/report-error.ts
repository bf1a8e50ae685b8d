import { CommanderError } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { printableLines } from '../../core/printable.ts';
import type { Environment } from './environment.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';
import { scarcityOf } from './scarcity.ts';

/** Logs the error and returns its exit code. */
export function reportError(error: unknown, environment: Environment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
  const scarcity = scarcityOf(error);
  if (error instanceof OpenclawError) {
    const hint = scarcity === undefined || scarcity.hasPlace ? error.hint : scarcity.hint;
    environment.log(printableLines(`error: ${error.message}\n  ${hint} [${error.code}]\n`));
    return error.code === 'INTERRUPTED' ? environment.interruptCode() : exitCodeOfError(error.code);
  }
  if (scarcity !== undefined) {
    const why = error instanceof Error ? error.message : String(error);
    environment.log(
      printableLines(`error: ${scarcity.what}: ${why}\n  ${scarcity.hint} [ENVIRONMENT_FAILED]\n`),
    );
    return EXIT.environment;
  }
  environment.log(
    `this is a bug in openclaw-rl, please report it:\n${printableLines(String(error instanceof Error ? error.stack : error))}\n`,
  );
  return EXIT.bug;
}
