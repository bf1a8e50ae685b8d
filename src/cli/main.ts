import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import { benchCommand } from './commands/bench.ts';
import { chaosCommand } from './commands/chaos.ts';
import { checkCommand } from './commands/check.ts';
import { compareCommand } from './commands/compare.ts';
import { doctorCommand } from './commands/doctor.ts';
import { downCommand } from './commands/down.ts';
import { faultCommand } from './commands/fault.ts';
import { gateCommand } from './commands/gate.ts';
import { inspectCommand } from './commands/inspect.ts';
import { regionalToxiproxyCommand } from './commands/regional-toxiproxy.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { toxiproxyCommand } from './commands/toxiproxy.ts';
import { upCommand } from './commands/up.ts';
import { type Environment, processEnvironment } from './environment.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const COMMANDS = [
  benchCommand,
  chaosCommand,
  runCommand,
  checkCommand,
  gateCommand,
  reportCommand,
  compareCommand,
  upCommand,
  statusCommand,
  downCommand,
  doctorCommand,
  faultCommand,
  inspectCommand,
  serveCommand,
  toxiproxyCommand,
];

function makeProgram(environment: Environment): Command {
  const program = new Command('openclaw-rl')
    .description('Proves what a distributed rate limiter really admits, with an exit code for CI.')
    .version(version)
    .showHelpAfterError('(run with --help for the options)')
    .addHelpText('after', EXIT_CODES);
  for (const makeCommand of COMMANDS) program.addCommand(makeCommand(environment));
  program.addCommand(regionalToxiproxyCommand(environment), { hidden: true });
  return program;
}

const EXIT_CODES = `
Exit codes:
  0 pass   1 a correctness claim failed   2 unknown (too little evidence)   3 a performance threshold failed
  64 bad usage   69 the environment could not be started   70 a bug of ours   130/143 interrupted`;

async function main(environment: Environment): Promise<void> {
  const program = makeProgram(environment);
  for (const command of [program, ...program.commands.flatMap((parent) => [parent, ...parent.commands])]) {
    command.exitOverride().configureOutput({ writeOut: environment.out, writeErr: environment.log });
  }
  try {
    await program.parseAsync();
  } catch (error) {
    environment.setExitCode(report(error, environment));
  }
}

function report(error: unknown, environment: Environment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
  if (error instanceof OpenclawError) {
    environment.log(`error: ${error.message}\n  ${error.hint} [${error.code}]\n`);
    return error.code === 'INTERRUPTED' ? environment.interruptCode() : exitCodeOfError(error.code);
  }
  environment.log(
    `this is a bug of openclaw-rl, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return EXIT.bug;
}

const environment = processEnvironment();
process.on('uncaughtException', (error) => {
  environment.exit(report(error, environment));
});
await main(environment);
