import { Command } from 'commander';
import { printableLines } from '../core/printable.ts';
import type { Environment } from './process/environment.ts';
import { reportError } from './process/report-error.ts';
import { VERSION } from './process/version.ts';

/** Commands by name. Each is imported on its own: importing all of them makes every start slower and larger. */
const COMMANDS: Readonly<Record<string, () => Promise<(environment: Environment) => Command>>> = {
  bench: async () => (await import('./commands/bench.ts')).benchCommand,
  chaos: async () => (await import('./commands/chaos.ts')).chaosCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  load: async () => (await import('./commands/load.ts')).loadCommand,
  manifests: async () => (await import('./commands/manifests.ts')).manifestsCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  gate: async () => (await import('./commands/gate.ts')).gateCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  report: async () => (await import('./commands/report.ts')).reportCommand,
  runs: async () => (await import('./commands/runs.ts')).runsCommand,
  compare: async () => (await import('./commands/compare.ts')).compareCommand,
  matrix: async () => (await import('./commands/matrix.ts')).matrixCommand,
  scoreboard: async () => (await import('./commands/scoreboard.ts')).scoreboardCommand,
  hunt: async () => (await import('./commands/hunt.ts')).huntCommand,
  up: async () => (await import('./commands/up.ts')).upCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  down: async () => (await import('./commands/down.ts')).downCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  form: async () => (await import('./commands/form.ts')).formCommand,
  fault: async () => (await import('./commands/fault.ts')).faultCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  homes: async () => (await import('./commands/homes.ts')).homesCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  toxiproxy: async () => (await import('./commands/toxiproxy.ts')).toxiproxyCommand,
  completion: async () => {
    const { completionCommand } = await import('./commands/completion.ts');
    return (environment) => completionCommand(environment, () => makeProgram(environment, ''));
  },
  complete: async () => (await import('./commands/complete.ts')).completeCommand,
  'regional-toxiproxy': async () =>
    (await import('./commands/regional-toxiproxy.ts')).regionalToxiproxyCommand,
  'read-plugin': async () => (await import('./commands/read-plugin.ts')).readPluginCommand,
};

/** Hidden from the list of commands: the program or a shell starts them. */
const HIDDEN: ReadonlySet<string> = new Set(['complete', 'regional-toxiproxy', 'read-plugin']);

/** Flags that need no command. */
const WITHOUT_COMMANDS: ReadonlySet<string> = new Set(['--version', '-V']);

/** The program with the typed command only, or with all commands if that one is unknown. */
async function makeProgram(environment: Environment, typed: string): Promise<Command> {
  const program = new Command('openclaw-rl')
    .description('Proves what a distributed rate limiter really admits, with an exit code for CI.')
    .version(VERSION)
    .enablePositionalOptions() // an option belongs to the command before it: `runs` and `runs prune` have some in common
    .showHelpAfterError('(run with --help for the options)')
    .addHelpText('after', EXIT_CODES);
  const needed = WITHOUT_COMMANDS.has(typed) ? [] : Object.keys(COMMANDS);
  const names = Object.hasOwn(COMMANDS, typed) ? [typed] : needed;
  for (const name of names) {
    const makeCommand = await COMMANDS[name]?.();
    if (makeCommand !== undefined) program.addCommand(makeCommand(environment), { hidden: HIDDEN.has(name) });
  }
  return program;
}

const EXIT_CODES = `
Exit codes:
  0 pass   1 a correctness claim failed   2 unknown: too little evidence
  3 a performance threshold failed   64 wrong usage
  69 the environment could not be started   70 a bug of openclaw-rl
  129/130/143 interrupted by SIGHUP/SIGINT/SIGTERM`;

/** Runs the command line to its end. Everything it does to the process goes through `environment`. */
export async function runTyped(environment: Environment): Promise<void> {
  const [typed = ''] = environment.commandLine;
  const program = await makeProgram(environment, typed);
  for (const command of [program, ...program.commands.flatMap((parent) => [parent, ...parent.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: environment.out,
      writeErr: (text) => environment.log(printableLines(text)), // it repeats what was typed
    });
  }
  try {
    await program.parseAsync([...environment.commandLine], { from: 'user' });
  } catch (error) {
    environment.setExitCode(reportError(error, environment));
  }
}
