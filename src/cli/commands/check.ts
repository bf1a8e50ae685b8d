import { Command, InvalidArgumentError, Option } from 'commander';
import { checkHistory } from '../../checker/check.ts';
import { HEADROOM_AT_MOST } from '../../checker/headroom-facts.ts';
import { type Promised, parsePromise } from '../../checker/promise.ts';
import type { EvidenceRules } from '../../checker/rules.ts';
import { formatPolicy, makePolicy } from '../../core/policy.ts';
import type { ForeignReader } from '../../history/foreign/reader.ts';
import type { History } from '../../history/history.ts';
import type { Header } from '../../history/operation.ts';
import { HistoryReader } from '../../history/reader.ts';
import { makeCheckDocument } from '../../report/check-report.ts';
import { clockSlackOption } from '../clock-slack.ts';
import type { Environment } from '../environment.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import {
  addForeignOptions,
  FOREIGN_EXAMPLES,
  type ForeignOptions,
  foreignReaderOf,
} from '../foreign-options.ts';
import { parsedBy, share, wholeNumber } from '../options.ts';
import { type Format, formatOption, render } from '../output.ts';
import { PROMISES } from '../promise-help.ts';
import { type Reader, readHistory, sayJudging } from '../read-history.ts';

interface Options extends ForeignOptions {
  readonly promise: Promised;
  readonly falseDenials: number;
  readonly contested: number;
  readonly info: number;
  readonly openAtEnd?: number;
  readonly complete: boolean;
  readonly json: boolean;
  readonly format: Format;
}

export function checkCommand(environment: Environment): Command {
  const command = new Command('check')
    .description(
      "Judge a recorded history, ours or anybody's: was more admitted, or more denied, than the policy allows?",
    )
    .argument('<history...>', 'files of one run, merged; - is standard input; .gz is unpacked')
    .addOption(
      new Option(
        '--promise <promise>',
        'what the limiter claims: token-bucket, fixed-window:100/60s, with :epoch or :first or neither, sliding-window:100/60s or sliding-counter:100/60s; see below',
      )
        .argParser(parsedBy(parsePromise))
        .default({ type: 'token-bucket' }, 'token-bucket'),
    )
    .addOption(
      new Option(
        '--false-denials <count>',
        'how many the strategy declares; any for one that splits its tokens',
      )
        .argParser(parseDeclared)
        .default(0),
    )
    .option(
      '--contested <buckets>',
      'fewer drained and denying buckets than this are too little evidence; 0 asks for no headroom either',
      wholeNumber(0, 1e9),
      1,
    )
    .option(
      '--info <share>',
      'a larger share of operations without a reply is too little evidence',
      share,
      0.05,
    )
    .addOption(
      clockSlackOption(
        "how far the limiter's clock may be off, 1ms where it was not read; with --from instead: how far the log's clock may be from it, both ends of each request are widened",
      ),
    )
    .option(
      '--open-at-end <requests>',
      'how many requests of one bucket were open when a log without an end ended; default: ten times the most in flight',
      wholeNumber(0, 1e9),
    )
    .addOption(
      new Option('--complete', 'no request was open when a log without an end ended')
        .default(false)
        .conflicts('openAtEnd'),
    )
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false);
  return addForeignOptions(command)
    .addHelpText('after', PROMISES + EXAMPLES)
    .action((files: string[], options: Options) => check(files, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl check reports/latest/history.ndjson              # a run of ours, again
  $ openclaw-rl check us.ndjson.gz eu.ndjson.gz --json           # one run that two recorders wrote
  $ openclaw-rl check h.ndjson --false-denials any               # a strategy that splits its tokens over regions
  $ openclaw-rl check cut.ndjson --open-at-end 8                 # a client had 8 connections when it was killed
  $ openclaw-rl check h.ndjson --promise fixed-window:100/60s:epoch --clock-slack 1s   # clocks at most 1 s apart
${FOREIGN_EXAMPLES}`;

function parseDeclared(text: string): number {
  if (text === 'any') return Number.POSITIVE_INFINITY;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number, or any.');
}

async function check(files: readonly string[], options: Options, environment: Environment): Promise<void> {
  const foreign = foreignReaderOf(options, options.promise);
  const reader: Reader = foreign ?? new HistoryReader();
  const history = await readHistory(files, reader, {
    stdin: () => environment.stdin,
    signal: environment.interrupt,
    onProgress: ({ file, share, operations }) =>
      environment.log(
        `reading ${share === undefined ? '' : `${Math.floor(100 * share)}% of `}${file}: ${operations} operations\n`,
      ),
  });
  sayJudging(history, environment.log);
  const report = checkHistory(history, { ...rulesOf(options, foreign), ...readingOf(history, foreign) });
  const document = makeCheckDocument(factsOf(history, environment), report);
  environment.out(render(document, options, environment));
  environment.setExitCode(exitCodeOfReport(report));
}

function rulesOf(options: Options, foreign: ForeignReader | undefined): EvidenceRules {
  return {
    busiest: [],
    contestedBucketsAtLeast: options.contested,
    infoAtMost: options.info,
    headroomAtMost: HEADROOM_AT_MOST.audit,
    promise: options.promise,
    falseDenialsAtMost: options.falseDenials,
    openAtEndMissing: foreign !== undefined,
    ...(options.clockSlack !== undefined && {
      clockSlack: { us: options.clockSlack, isWidened: foreign !== undefined },
    }),
    isComplete: options.complete,
    withoutRefunds: foreign !== undefined && options.cost === undefined,
    ...(options.openAtEnd !== undefined && { openAtEndAtMost: options.openAtEnd }),
  };
}

/** What reading a log that others wrote took for granted, what was wrong with it, and what to know beside. */
function readingOf(history: History, foreign: ForeignReader | undefined) {
  if (foreign === undefined) return {};
  return {
    assumptions: foreign.assumed(history),
    troubles: foreign.troubles(history),
    notes: foreign.notes(),
    reading: foreign.reading(),
  };
}

function factsOf({ header }: History, { commandLine }: Environment) {
  return {
    command: ['openclaw-rl', ...commandLine].map(shellWord).join(' '),
    strategy: header.strategy,
    policies: policiesOf(header),
    seed: header.seed,
    initial: header.initial,
  };
}

function policiesOf({ policy, policies = {} }: Header): Record<string, string> {
  const all = [...(policy === undefined ? [] : [['', policy] as const]), ...Object.entries(policies)];
  return Object.fromEntries(
    all.map(([name, { capacity, refill }]) => [name, formatPolicy(makePolicy(capacity, refill))]),
  );
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
