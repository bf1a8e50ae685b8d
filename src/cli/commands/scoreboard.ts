import { Command, Option } from 'commander';
import { BOARD_SCENARIOS } from '../../core/board-terms.ts';
import { invalidOption } from '../../core/errors.ts';
import { DEFAULT_SEED } from '../../scenario/defaults.ts';
import { type CheckFlags, checkBoard } from '../board/check-board.ts';
import { compareBoards } from '../board/compare-boards.ts';
import { listBoard } from '../board/list-board.ts';
import { runBoard } from '../board/run-board.ts';
import { loadProcessesOption, wholeNumber } from '../flags/options.ts';
import { providerOption, SERVER_COMMAND } from '../flags/topology-flags.ts';
import type { Environment } from '../process/environment.ts';

interface Flags extends CheckFlags {
  readonly list: boolean;
  readonly check: boolean;
  readonly compare?: readonly string[];
}

export function scoreboardCommand(environment: Environment): Command {
  return new Command('scoreboard')
    .description('Run limiters of any language under the same faults, side by side; resumable.')
    .argument(
      '[limiters...]',
      'ids of the folder, files like ./mine.yaml, or names of strategies (default: all)',
    )
    .addOption(new Option('--scenario <ids...>', 'only these (default: all)').choices(BOARD_SCENARIOS))
    .option(
      '--audits <folder>',
      'folder with a file for each limiter (default: that of a clone, if it is there)',
    )
    .option(
      '--seed <number>',
      'seed of the runs; with --check, of the cells that are drawn',
      wholeNumber(0, 2 ** 32 - 1),
      DEFAULT_SEED,
    )
    .option(
      '--folder <folder>',
      'folder for the results; cells that it already has are not run again',
      'reports/scoreboard',
    )
    .option('--again', 're-run cells whose verdict was unknown', false)
    .option(
      '--certificate',
      'write the proofs of each cell into the folder of its run, for `verify`, and keep its history; re-run cells without',
      false,
    )
    .option('--list', 'print limiters, versions and which cells are there; run nothing', false)
    .option('--check', 'run three cells of a kept board again and compare their status with it', false)
    .option(
      '--against <file>',
      'the board of --check (default: docs/results/scoreboard.json, which comes along)',
    )
    .option('--compare <files...>', 'print which cells of two boards differ in their status; run nothing')
    .option('--name <name>', 'use this running cluster if its topology matches', 'scoreboard')
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption())
    .addOption(loadProcessesOption())
    .addOption(
      new Option('--format <format>', 'how to print the result')
        .choices(['table', 'md', 'html', 'json'])
        .default('table'),
    )
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', HELP)
    .action((limiters: string[], flags: Flags) => act(limiters, flags, environment));
}

const HELP = `
Exit codes: 1 if a limiter broke its promise in a scenario for which it was
made, or a strategy exceeded its bound; 2 if a run had too little evidence, or
none was possible; else 0. With --check: 0 the same status, 1 another one, 2
unknown. With --compare: 1 if a cell changed its status. A run takes about 35 s;
a limiter that cannot be started is shown as not run, with the reason.
The folder gets scoreboard.json, .md and .html. They have all rows that were
measured there, also by earlier commands. Histories of broken and exceeded cells
are kept; --certificate keeps all. A limiter whose version, command or code
changed is measured again.

Examples:
  # everything; after Ctrl-C the same command resumes
  $ openclaw-rl scoreboard
  # a limiter of your own, beside two others
  $ openclaw-rl scoreboard ./mine.yaml express-rate-limit central
  $ openclaw-rl scoreboard ./mine.yaml --scenario healthy partition
  $ openclaw-rl scoreboard --list
  # is the kept board still true here?
  $ openclaw-rl scoreboard --check
  $ openclaw-rl scoreboard --check central --scenario healthy failover
  $ openclaw-rl scoreboard --compare old/scoreboard.json \\
      reports/scoreboard/scoreboard.json`;

async function act(limiters: readonly string[], flags: Flags, environment: Environment): Promise<void> {
  const { list, check, compare, against, json, format } = flags;
  const modes = [list && '--list', check && '--check', compare && '--compare'].filter(Boolean);
  if (modes.length > 1) throw invalidOption(`${modes.join(' and ')} are mutually exclusive`, 'remove one');
  if (against !== undefined && !check) throw invalidOption('--against: only valid with --check', 'remove it');
  if (list && !json && (format === 'md' || format === 'html'))
    throw invalidOption(`--list has no --format ${format}`, 'leave it out, or type --json');
  if (list) return listBoard(limiters, flags, environment);
  if (check) return checkBoard(limiters, flags, environment);
  if (compare === undefined) return runBoard(limiters, flags, environment);
  const [first, second] = compare;
  if (first === undefined || second === undefined || compare.length > 2 || limiters.length > 0)
    throw invalidOption(
      `--compare takes two files; found ${compare.length + limiters.length}`,
      'name two: --compare old/scoreboard.json new/scoreboard.json',
    );
  return compareBoards([first, second], flags, environment);
}
