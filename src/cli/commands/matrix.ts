import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable, quoted } from '../../core/printable.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { writeRunFile } from '../../experiment/run-folder.ts';
import { type Look, labelled } from '../../report/fit-lines.ts';
import {
  evidenceClaims,
  keptCell,
  type Matrix,
  type MatrixCell,
  makeCell,
  matrixVerdict,
  refusedCell,
} from '../../report/matrix.ts';
import { matrixNotes, matrixSummary, matrixTable, renderMatrixMarkdown } from '../../report/matrix-text.ts';
import { drawTable } from '../../report/text-table.ts';
import type { Plan } from '../../scenario/plan.ts';
import { checkSimulatedPlan } from '../../simulation/check-simulated-plan.ts';
import { keepCell, makeCellFolder, readKeptCell } from '../files/kept-cells.ts';
import { readScenario, scenariosForAnyStrategy } from '../files/read-scenario.ts';
import { endpointsOption } from '../flags/endpoints-flag.ts';
import {
  type HomesFlag,
  homesOption,
  type InstancesFlag,
  instancesOption,
  loadProcessesOption,
  wholeNumber,
} from '../flags/options.ts';
import { checkSimulateFlag, type SimulateFlag, simulateOption } from '../flags/simulate-option.ts';
import { providerOption, SERVER_COMMAND } from '../flags/topology-flags.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell, typedCommand } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { VERSION } from '../process/version.ts';
import { type CellFlags, dropHistory, hasCertificate, measureCell } from '../runs/cell-run.ts';
import { insteadOf, wordsOf } from '../runs/cell-words.ts';
import { type ExternalRun, openExternalRun } from '../runs/external-run.ts';

interface Flags extends CellFlags, InstancesFlag, HomesFlag, SimulateFlag {
  readonly strategy?: readonly StrategyName[];
  readonly scenario?: readonly string[];
  readonly seed?: number;
  readonly again: boolean;
  readonly endpoints?: string;
  readonly allowEviction?: true;
  readonly format: 'table' | 'md' | 'json';
  readonly json: boolean;
}

export function matrixCommand(environment: Environment): Command {
  return new Command('matrix')
    .description('Run every strategy in every scenario and show the results side by side; resumable.')
    .addOption(new Option('--strategy <names...>', 'only these (default: all)').choices(STRATEGY_NAMES))
    .option(
      '--scenario <scenario...>',
      'only these names or files (default: the built-in scenarios that fix no strategy and no failure policy)',
    )
    .option('--seed <number>', "replaces the scenarios' seeds", wholeNumber(0, 2 ** 32 - 1))
    .addOption(instancesOption('replaces the number of Rating services of each region'))
    .addOption(homesOption())
    .addOption(simulateOption())
    .addOption(loadProcessesOption())
    .option(
      '--folder <folder>',
      'folder for the results; cells that it already has are not run again',
      'reports/matrix',
    )
    .option('--again', 're-run cells whose verdict was unknown', false)
    .option(
      '--certificate',
      'write the proofs of each cell into the folder of its run, for `verify`, and keep its history; re-run cells without',
      false,
    )
    .option('--name <name>', 'use this running cluster if its topology matches', 'matrix')
    .addOption(
      endpointsOption('run against your own Redis, by the addresses in this file').conflicts([
        ...['name', 'server', 'provider'],
      ]),
    )
    .option('--allow-eviction', 'with --endpoints: run although a server may evict keys')
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption())
    .addOption(
      new Option('--format <format>', 'how to print the result')
        .choices(['table', 'md', 'json'])
        .default('table'),
    )
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', HELP)
    .action((flags: Flags, command: Command) => {
      checkSimulateFlag(command, flags);
      return runMatrix(flags, environment);
    });
}

const HELP = `
Exit codes: 1 if a strategy exceeded the bound it declares; 2 if a run had too
little evidence, or no run was possible; else 0. A run takes about 35 s.
Histories of runs beyond their bound are kept, all others are deleted, unless
--certificate is given: a verifier needs them, 10 to 20 MB a run.
matrix.md and matrix.json in the folder show the last command only; the folder
keeps the runs of earlier commands for later use.

Examples:
  # everything, in about an hour; after Ctrl-C the same command resumes
  $ openclaw-rl matrix
  # the same in virtual time, in minutes and without Redis
  $ openclaw-rl matrix --simulate
  $ openclaw-rl matrix --strategy central acked \\
      --scenario partition-mute kill-primary
  # the machine was too busy for some runs
  $ openclaw-rl matrix --again
  # with proofs that another program verifies
  $ openclaw-rl matrix --certificate --scenario kill-primary
  $ openclaw-rl matrix --format md > matrix.md`;

/** One strategy in one scenario: the plan of its run, or why there is none. */
interface Pairing {
  readonly scenario: string;
  /** As typed: a name, or a file. */
  readonly typed: string;
  readonly strategy: StrategyName;
  readonly plan: Plan | undefined;
  readonly reason: string;
}

async function runMatrix(flags: Flags, environment: Environment): Promise<void> {
  const folder = resolve(environment.cwd, flags.folder);
  const { endpoints } = flags;
  const external = endpoints === undefined ? undefined : await openExternalRun(endpoints, flags, environment);
  const pairings = await pair(flags, environment, external);
  await makeCellFolder(folder, flags.folder);
  const cells: MatrixCell[] = [];
  for (const [at, pairing] of pairings.entries()) {
    const which = `${at + 1} of ${pairings.length}`;
    const cell = await cellFor(pairing, which, { folder, flags, environment, external }).catch(
      (error: unknown) => {
        if (environment.interrupt.aborted) return undefined;
        throw error;
      },
    );
    if (cell === undefined || environment.interrupt.aborted) {
      environment.log(
        `interrupted after ${at} of ${pairings.length} cells, which are in ${printable(flags.folder)}; the same command resumes\n`,
      );
      environment.setExitCode(environment.interruptCode());
      return;
    }
    cells.push(cell);
  }
  const matrix: Matrix = {
    ...{ format: 'openclaw-matrix', version: 1, program: `openclaw-rl ${VERSION}` },
    command: ['openclaw-rl', ...environment.commandLine.map(quotedForShell)].join(' '),
    seeds: [...new Set(pairings.flatMap(({ plan }) => (plan === undefined ? [] : [plan.seed])))],
    cells,
  };
  environment.out(rendered(matrix, flags, environment.look));
  await writeRunFile(folder, 'matrix.json', jsonText(matrix));
  await writeRunFile(folder, 'matrix.md', renderMatrixMarkdown(matrix));
  environment.setExitCode(EXIT[matrixVerdict(cells)]);
}

/** Scenarios in their order, all strategies of one before the next. Throws INVALID_SCENARIO for an invalid file. */
async function pair(
  flags: Flags,
  environment: Environment,
  external: ExternalRun | undefined,
): Promise<Pairing[]> {
  const scenarios = flags.scenario ?? (await scenariosForAnyStrategy());
  const instead = given({ seed: flags.seed, instances: flags.instances, homes: flags.homes });
  const pairings: Pairing[] = [];
  for (const scenario of scenarios) {
    const { scenario: name } = await readScenario(scenario, instead, environment); // a mistake in the file is reported first
    if (pairings.some((pairing) => pairing.scenario === name))
      throw invalidOption(
        `two scenarios are called ${quoted(name)}; names must be unique`,
        'rename one of the files',
      );
    for (const strategy of flags.strategy ?? STRATEGY_NAMES) {
      const pairing = await readScenario(scenario, { ...instead, strategy }, environment)
        .then((plan) => external?.accept(plan) ?? plan)
        .then((plan) => (flags.simulate ? checkSimulatedPlan(plan) : plan))
        .then(
          (plan) => ({ scenario: name, plan: { ...plan, claims: evidenceClaims(plan) }, reason: '' }),
          (error: Error) => ({ scenario: name, plan: undefined, reason: error.message }),
        );
      pairings.push({ typed: scenario, strategy, ...pairing });
    }
  }
  return pairings;
}

interface Place {
  readonly folder: string;
  readonly flags: Flags;
  readonly environment: Environment;
  readonly external: ExternalRun | undefined;
}

/** The kept result of this pairing, or a new one. */
async function cellFor(pairing: Pairing, which: string, place: Place): Promise<MatrixCell> {
  const { scenario, typed, strategy, plan, reason } = pairing;
  const { folder, flags, environment, external } = place;
  if (plan === undefined) return refusedCell(scenario, { strategy, reason });
  const measured = { plan, instead: insteadOf(flags, environment.env) };
  const wanted = { plan, program: VERSION, again: flags.again, simulated: flags.simulate ?? false };
  const before = await readKeptCell(folder, measured);
  const kept =
    flags.certificate && before && !hasCertificate(before.report) ? undefined : keptCell(before, wanted);
  if (kept !== undefined) return kept;
  environment.log(`${which}: ${printable(scenario)} by ${strategy}\n`);
  const commandLine = ['run', typed, '--strategy', plan.strategy, ...wordsOf(flags)];
  const command = typedCommand({ commandLine }, plan.seed);
  const report = await measureCell(
    { plan, command, flags, folder, ...(external && { system: external.system }) },
    environment,
  );
  const cell = makeCell(report);
  if (environment.interrupt.aborted) return cell; // incomplete: not kept
  await keepCell(folder, measured, { report });
  if (cell.status !== 'above' && !flags.certificate) await dropHistory(report);
  return cell;
}

function rendered(matrix: Matrix, { format, json }: Flags, { columns }: Look): string {
  if (json || format === 'json') return jsonText(matrix);
  if (format === 'md') return renderMatrixMarkdown(matrix);
  const [cells, summary] = [matrixTable(matrix), matrixSummary(matrix)].map((table) =>
    drawTable(table, columns),
  );
  const notes = matrixNotes(matrix).map((note) => `${labelled('', note, columns)}\n`);
  return `${cells}\n${notes.join('')}${summary}\n`;
}
