import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
import { CELLS, keepCell, RUNS, readKeptCell } from '../kept-cells.ts';
import { wholeNumber } from '../options.ts';
import { jsonText } from '../output.ts';
import { readScenario, scenariosForAnyStrategy } from '../read-scenario.ts';
import { keepReport, makeRun } from '../run-plan.ts';
import { quotedForShell, typedCommand } from '../typed-command.ts';
import { VERSION } from '../version.ts';

interface Flags {
  readonly strategy?: readonly StrategyName[];
  readonly scenario?: readonly string[];
  readonly seed?: number;
  readonly folder: string;
  readonly again: boolean;
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
    .option('--again', 'measure once more what had too little evidence', false)
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
Exit code 1 if any strategy went beyond the bound it declares, 2 if any run had too little evidence or none could be
made, else 0. A run takes some 35 s. Histories are kept of runs beyond their bound; the others' are removed once judged.
matrix.md and matrix.json in the folder are of the last command; what others measured is kept for when it is asked again.

Examples:
  $ openclaw-rl matrix                                              # all of it, in an hour; Ctrl-C, and again to go on
  $ openclaw-rl matrix --strategy central acked --scenario partition-mute kill-primary
  $ openclaw-rl matrix --again                                      # on a machine that was too busy for some runs
  $ openclaw-rl matrix --format md > matrix.md`;

/** One strategy in one scenario: what will be run, or why it cannot be. */
interface Pairing {
  readonly scenario: string;
  /** How it was asked for: a name, or a file. */
  readonly asked: string;
  readonly strategy: StrategyName;
  readonly plan: Plan | undefined;
  readonly reason: string;
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
    const which = `${at + 1} of ${pairings.length}`;
    const cell = await cellFor(pairing, which, { folder, flags, environment }).catch((error: unknown) => {
      if (environment.interrupt.aborted) return undefined;
      throw error;
    });
    if (cell === undefined || environment.interrupt.aborted) {
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
      pairings.push({ asked: scenario, strategy, ...pairing });
    }
  }
  return pairings;
}

/** The evidence that the scenario wants; its claim on correctness is of another strategy, and the bound is held here. */
function claimsOfMatrix({ claims }: Plan): readonly string[] {
  return claims.filter((claim) => /^\s*(contested|headroom|info|failed|dropped)\b/.test(claim));
}

interface Place {
  readonly folder: string;
  readonly flags: Flags;
  readonly environment: Environment;
}

/** What was measured of this pairing before, else now. */
async function cellFor(pairing: Pairing, which: string, place: Place): Promise<MatrixCell> {
  const { scenario, asked, strategy, plan, reason } = pairing;
  const { folder, flags, environment } = place;
  if (plan === undefined) return refusedCell(scenario, { strategy, reason });
  const measured = { plan, instead: insteadOf(flags, environment) };
  const kept = await readKeptCell(folder, measured);
  if (kept !== undefined && !(flags.again && kept.status === 'unknown')) return kept;
  environment.log(`${which}: ${printable(scenario)} by ${strategy}\n`);
  const report = await measure(asked, plan, place);
  const cell = cellOf(report);
  if (environment.interrupt.aborted) return cell; // it is not whole
  await keepCell(folder, measured, report);
  if (cell.status !== 'above') await rm(join(report.folder, 'history.ndjson'), { force: true });
  return cell;
}

/** What of the usual system is replaced, as it was asked. */
function insteadOf({ provider, server }: Flags, { env }: Environment): string[] {
  const image = provider === 'local' ? undefined : env.OPENCLAW_REDIS_IMAGE;
  return [provider === 'auto' ? undefined : provider, server, image].filter((one) => one !== undefined);
}

async function measure(asked: string, plan: Plan, { folder, flags, environment }: Place): Promise<RunReport> {
  const { name, provider, server } = flags;
  const where = [
    ...(server === undefined ? [] : ['--server', server]),
    ...(provider === 'auto' ? [] : ['--provider', provider]),
  ];
  const commandLine = ['run', asked, '--strategy', plan.strategy, ...where];
  const run = { name, provider, format: 'table', json: false, reports: join(folder, RUNS) } as const;
  const request = {
    plan,
    command: typedCommand({ commandLine }, plan.seed),
    flags: { ...run, ...(server !== undefined && { server }) },
  };
  const { report, page } = await makeRun(request, environment).catch((error: unknown) => {
    const isOver = error instanceof OpenclawError && error.code === 'ENVIRONMENT_FAILED';
    if (!isOver) throw error;
    environment.log(`${printable(error.message)}: once more\n`); // an hour's work must not end with one cluster
    return makeRun(request, environment);
  });
  await page.drop();
  await keepReport(report);
  return report;
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
  const isUnproved = cells.some(({ status }) => status === 'unknown');
  return isUnproved || cells.every(({ status }) => status === 'refused') ? EXIT.unknown : EXIT.pass;
}
