import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Command, Option } from 'commander';
import { OpenclawError, printable, quoted } from '../../core/errors.ts';
import { writeRunFile } from '../../experiment/run-folder.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../limiter/create.ts';
import { makeFolders } from '../../regions/make-folders.ts';
import { cellOf, type Matrix, type MatrixCell, refusedCell } from '../../report/matrix.ts';
import { matrixNotes, matrixSummary, matrixTable, renderMatrixMarkdown } from '../../report/matrix-text.ts';
import type { RunReport } from '../../report/report.ts';
import { draw } from '../../report/table.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type ProviderName, providerOption } from '../choose-provider.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { wholeNumber } from '../options.ts';
import { jsonText } from '../output.ts';
import { readTextFile } from '../read-file.ts';
import { readScenario, scenariosForAnyStrategy } from '../read-scenario.ts';
import { keepReport, makeRun } from '../run-plan.ts';
import { quotedForShell, typedCommand } from '../typed-command.ts';
import { VERSION } from '../version.ts';

interface Flags {
  readonly strategy?: readonly StrategyName[];
  readonly scenario?: readonly string[];
  readonly seed?: number;
  readonly folder: string;
  readonly name: string;
  readonly server?: string;
  readonly provider: ProviderName;
  readonly format: 'table' | 'md' | 'json';
  readonly json: boolean;
}

export function matrixCommand(environment: Environment): Command {
  return new Command('matrix')
    .description(
      'Run every strategy in every scenario and put what they did side by side; goes on where it stopped.',
    )
    .addOption(new Option('--strategy <names...>', 'only these; all without').choices(STRATEGY_NAMES))
    .option(
      '--scenario <scenario...>',
      'only these: names or files (default: those that come along, less those about one strategy or failure policy)',
    )
    .option('--seed <number>', "instead of the scenarios' own", wholeNumber(0, 2 ** 32 - 1))
    .option(
      '--folder <folder>',
      'keep what was measured in here; what is there already is not run again',
      'reports/matrix',
    )
    .option('--name <name>', 'the cluster to run on where it is up and as a scenario wants it', 'matrix')
    .option('--server <command>', 'the server program to run (default: redis-server, else valkey-server)')
    .addOption(providerOption())
    .addOption(
      new Option('--format <format>', 'how to print the result')
        .choices(['table', 'md', 'json'])
        .default('table'),
    )
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', HELP)
    .action((flags: Flags) => runMatrix(flags, environment));
}

const HELP = `
Exit code 1 if any strategy went beyond the bound it declares, 2 if any run had too little evidence, else 0.
A run takes some 35 s. Histories are kept of runs beyond their bound; the others' are removed once judged.

Examples:
  $ openclaw-rl matrix                                              # all of it, in an hour; Ctrl-C, and again to go on
  $ openclaw-rl matrix --strategy central acked --scenario partition-mute kill-primary
  $ openclaw-rl matrix --format md > matrix.md`;

/** One strategy in one scenario: what will be run, or why it cannot be. */
interface Pairing {
  readonly scenario: string;
  readonly strategy: StrategyName;
  readonly plan: Plan | undefined;
  readonly reason: string;
}

/** What is kept of a run that was made: for which plan, by which program. */
interface Kept {
  readonly program: string;
  readonly plan: Plan;
  readonly cell: MatrixCell;
}

async function runMatrix(flags: Flags, environment: Environment): Promise<void> {
  const folder = resolve(environment.cwd, flags.folder);
  const pairings = await pair(flags, environment);
  await makeFolders(join(folder, CELLS)).catch((error: Error) => {
    throw new OpenclawError(
      'ENVIRONMENT_FAILED',
      `cannot keep anything in ${flags.folder}: ${error.message}`,
      {
        cause: error,
        hint: 'choose another folder with --folder',
      },
    );
  });
  const cells: MatrixCell[] = [];
  for (const [at, pairing] of pairings.entries()) {
    const cell = await cellFor(pairing, `${at + 1} of ${pairings.length}`, { folder, flags, environment });
    if (environment.interrupt.aborted) {
      environment.log(
        `interrupted; run it again to go on: ${at} of ${pairings.length} are kept in ${printable(flags.folder)}\n`,
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
  environment.out(rendered(matrix, flags));
  await writeRunFile(folder, 'matrix.json', jsonText(matrix));
  await writeRunFile(folder, 'matrix.md', renderMatrixMarkdown(matrix));
  environment.setExitCode(exitCodeOf(cells));
}

/** Scenarios in their order, all strategies of one before the next. Throws INVALID_SCENARIO for a file that is none. */
async function pair(flags: Flags, environment: Environment): Promise<Pairing[]> {
  const scenarios = flags.scenario ?? (await scenariosForAnyStrategy());
  const seed = flags.seed === undefined ? {} : { seed: flags.seed };
  const pairings: Pairing[] = [];
  for (const scenario of scenarios) {
    const { scenario: name } = await readScenario(scenario, seed, environment); // what is wrong with it is told first
    if (pairings.some((pairing) => pairing.scenario === name))
      throw new OpenclawError(
        'INVALID_OPTION',
        `two scenarios are called ${quoted(name)}: cells go by their names`,
        {
          hint: 'rename one of the files',
        },
      );
    for (const strategy of flags.strategy ?? STRATEGY_NAMES) {
      const pairing = await readScenario(scenario, { ...seed, strategy }, environment).then(
        (plan) => ({ scenario: plan.scenario, plan: { ...plan, claims: claimsOfMatrix(plan) }, reason: '' }),
        (error: Error) => ({ scenario: name, plan: undefined, reason: error.message }),
      );
      pairings.push({ strategy, ...pairing });
    }
  }
  return pairings;
}

/** The evidence that the scenario wants; its claim on correctness is of another strategy, and the bound is held here. */
function claimsOfMatrix({ claims }: Plan): readonly string[] {
  return claims.filter((claim) => /^\s*(contested|info|dropped)\b/.test(claim));
}

interface Place {
  readonly folder: string;
  readonly flags: Flags;
  readonly environment: Environment;
}

const CELLS = 'cells';
const RUNS = 'runs';

/** What was measured of this pairing before, else now. */
async function cellFor(
  { scenario, strategy, plan, reason }: Pairing,
  which: string,
  place: Place,
): Promise<MatrixCell> {
  const { folder, environment } = place;
  if (plan === undefined) return refusedCell(scenario, { strategy, reason });
  const file = `${scenario}--${strategy}--${plan.seed}.json`;
  const kept = await readKept(join(folder, CELLS, file));
  const program = VERSION;
  if (kept !== undefined && kept.program === program && isDeepStrictEqual(kept.plan, asWritten(plan)))
    return kept.cell;
  environment.log(`${which}: ${printable(scenario)} by ${strategy}\n`);
  const report = await measure(plan, place);
  const cell = cellOf(report);
  if (environment.interrupt.aborted) return cell; // it is not whole
  const keeping: Kept = { program, plan, cell };
  await writeRunFile(join(folder, CELLS), file, jsonText(keeping));
  if (cell.status !== 'above') await rm(join(report.folder, 'history.ndjson'), { force: true });
  return cell;
}

async function measure(plan: Plan, { folder, flags, environment }: Place): Promise<RunReport> {
  const { name, provider, server } = flags;
  const run = { name, provider, format: 'table', json: false, reports: join(folder, RUNS) } as const;
  const { strategy, scenario } = plan;
  const command = typedCommand({ commandLine: ['run', scenario, '--strategy', strategy] }, plan.seed);
  const request = { plan, command, flags: { ...run, ...(server !== undefined && { server }) } };
  const { report } = await makeRun(request, environment).catch((error: unknown) => {
    const isOver = error instanceof OpenclawError && error.code === 'ENVIRONMENT_FAILED';
    if (!isOver) throw error;
    environment.log(`${printable(error.message)}: once more\n`); // an hour's work must not end with one cluster
    return makeRun(request, environment);
  });
  await keepReport(report);
  return report;
}

/** A cell that cannot be read is measured again. */
async function readKept(path: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readTextFile(path)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A plan as JSON gives it back. */
function asWritten(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan));
}

function rendered(matrix: Matrix, { format, json }: Flags): string {
  if (json || format === 'json') return jsonText(matrix);
  if (format === 'md') return renderMatrixMarkdown(matrix);
  const [table, summary] = [matrixTable(matrix), matrixSummary(matrix)];
  const notes = matrixNotes(matrix).map((note) => `${note}\n`);
  return `${draw(table.head, table.rows)}\n${notes.join('')}${draw(summary.head, summary.rows)}\n`;
}

function exitCodeOf(cells: readonly MatrixCell[]): number {
  if (cells.some(({ status }) => status === 'above')) return EXIT.fail;
  return cells.some(({ status }) => status === 'unknown') ? EXIT.unknown : EXIT.pass;
}
