import { Command, Option } from 'commander';
import { type CheckReport, examineHistory } from '../../checker/check.ts';
import type { CheckOptions } from '../../checker/check-options.ts';
import { type Claim, explainClaim } from '../../checker/claims/claim.ts';
import { MAX_SLEW_PPM } from '../../checker/clocks/grant.ts';
import { HEADROOM_AT_MOST } from '../../checker/evidence/headroom-facts.ts';
import { checkPromised } from '../../checker/promised.ts';
import { invalidOption } from '../../core/errors.ts';
import { formatPolicy, makePolicy } from '../../core/policy.ts';
import { printable } from '../../core/printable.ts';
import { formatPromise, type Promised, parsePromise } from '../../core/promise.ts';
import { isStrategy } from '../../core/strategies.ts';
import type { ForeignReader } from '../../history/foreign/reader.ts';
import type { History } from '../../history/history.ts';
import type { Header } from '../../history/records/operation.ts';
import { makeCheckDocument } from '../../report/check-report.ts';
import { certificatePaths, writeChecked } from '../files/checked-certificate.ts';
import { type ReadProgress, readHistory, sayJudging } from '../files/read-history.ts';
import { readRecorded } from '../files/read-recorded.ts';
import { addCheckClaims, type CheckClaimFlags, checkClaims } from '../flags/check-claims.ts';
import { claimsHelp } from '../flags/claim-option.ts';
import { clockSlackOption } from '../flags/clock-slack.ts';
import {
  addForeignOptions,
  FOREIGN_EXAMPLES,
  type ForeignOptions,
  makeForeignReader,
} from '../flags/foreign-options.ts';
import { parsedBy, wholeNumber } from '../flags/options.ts';
import { PROMISES } from '../flags/promise-help.ts';
import { type ResultFlags, render, resultOptions } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { exitCodeOfReport } from '../process/exit-codes.ts';

interface Options extends ForeignOptions, ResultFlags, CheckClaimFlags {
  readonly promise?: Promised;
  readonly openAtEnd?: number;
  readonly complete: boolean;
  readonly clockDrift?: number;
  readonly certificate?: string;
}

interface JudgedBy extends Options {
  readonly claims: readonly Claim[] | undefined;
}

export function checkCommand(environment: Environment): Command {
  const command = new Command('check')
    .description(
      'Judge a recorded history or a log: did the limiter admit or deny more than its policy allows?',
    )
    .argument(
      '<history...>',
      'files of one run, merged; of a run in parts one of each; - is standard input; gzip is unpacked',
    )
    .addOption(
      new Option(
        '--promise <promise>',
        'what the limiter guarantees: token-bucket, fixed-window:100/60s[:epoch|:first], sliding-window:100/60s or sliding-counter:100/60s; see below (default: what the history says, else token-bucket)',
      ).argParser(parsedBy(parsePromise)),
    )
    .addOption(
      clockSlackOption(
        "largest error of the limiter's clock (1ms if the history has no clock readings); with --from: largest difference between the clocks of log and limiter, by which both ends of each request are widened",
      ),
    )
    .option(
      '--clock-drift <ppm>',
      'of a run in parts: the most by which two clocks drift apart (1000 by default); raise it if a clock was slewed faster, as chrony does when it corrects one',
      wholeNumber(MAX_SLEW_PPM, 500_000),
    )
    .option(
      '--open-at-end <requests>',
      'requests of one bucket that were open when the log broke off (default: ten times the most in flight)',
      wholeNumber(0, 1e9),
    )
    .addOption(
      new Option('--complete', 'no request was open when the log broke off')
        .default(false)
        .conflicts('openAtEnd'),
    )
    .option(
      '--certificate <file>',
      'write the proofs of the verdict, for `verify`; packed if it ends in .gz; with --from also the operations as read, beside it',
    );
  return addForeignOptions(resultOptions(addCheckClaims(command)))
    .addHelpText('after', PROMISES + EXAMPLES)
    .action((files: string[], options: Options, used: Command) =>
      check(files, { ...options, claims: checkClaims(options, used) }, environment),
    );
}

const EXAMPLES = `
Examples:
  $ openclaw-rl check reports/latest/history.ndjson
  # one run, two recorders
  $ openclaw-rl check us.ndjson.gz eu.ndjson.gz --json
  # a run in parts: digests are checked, copies left out
  $ openclaw-rl check parts/r-41/*.ndjson.gz
  # in a script: no tables, no proofs
  $ openclaw-rl check h.ndjson --brief
  # a strategy that splits its tokens between regions
  $ openclaw-rl check h.ndjson --false-denials any
  # a little more than an ideal bucket is accepted, and 250 ms are fast enough
  $ openclaw-rl check h.ndjson --claim 'total-excess <= 10%' \\
      --claim 'p99(allowed) <= 250ms'
  # also what it states: remaining, Retry-After, reset, policy
  $ openclaw-rl check h.ndjson --dishonest 0
  # a client with 8 connections was killed
  $ openclaw-rl check cut.ndjson --open-at-end 8
  # with proofs that another program verifies
  $ openclaw-rl check h.ndjson --certificate c.ndjson.gz
  # parts of one run, and a clock that chrony corrected meanwhile
  $ openclaw-rl check us-east.ndjson eu-west.ndjson --clock-drift 83333
  # clocks at most 1 s apart
  $ openclaw-rl check h.ndjson --promise fixed-window:100/60s:epoch \\
      --clock-slack 1s
${FOREIGN_EXAMPLES}
${claimsHelp({ hasBound: false })}`;

async function check(files: readonly string[], options: JudgedBy, environment: Environment): Promise<void> {
  const foreign = makeForeignReader(options, options.promise ?? { type: 'token-bucket' });
  const { certificate } = options;
  const paths =
    certificate && (await certificatePaths(certificate, { files, isForeign: foreign !== undefined }));
  const { history, files: read } = await readGiven(files, foreign, environment);
  checkPromised(history.header, options.promise, HOW_TO_PROMISE);
  if (options.clockDrift !== undefined && history.parts === undefined)
    throw invalidOption(
      '--clock-drift is for a run in parts, and these files are of one recorder',
      'for the clock of the limiter, give --clock-slack',
    );
  for (const claim of options.claims ?? []) environment.log(`${printable(explainClaim(claim))}\n`);
  sayJudging(history, environment.log);
  const examination = examineHistory(history, {
    ...checkOptionsOf(options, foreign),
    ...(foreign === undefined
      ? { notes: promiseNotes(history.header, options) }
      : readingOf(history, foreign)),
  });
  const { report: judged } = examination;
  const isIdeal = judged.promise === 'token-bucket' && options.claims === undefined;
  const report = judged.verdict === 'fail' && isIdeal ? { ...judged, ...notesOf(judged, history) } : judged;
  const document = makeCheckDocument(factsOf(history, environment), report);
  environment.out(render(document, options, environment));
  environment.setExitCode(exitCodeOfReport(report));
  const { interrupt: signal, log } = environment;
  if (paths) await writeChecked(paths, { history, examination }, { files: read, signal, log });
}

async function readGiven(
  files: readonly string[],
  foreign: ForeignReader | undefined,
  { stdin, interrupt: signal, log }: Environment,
): Promise<{ readonly history: History; readonly files: readonly string[] }> {
  const onProgress = ({ file, share, operations }: ReadProgress) =>
    log(
      `reading ${share === undefined ? '' : `${Math.floor(100 * share)}% of `}${file}: ${operations} operations\n`,
    );
  const how = { stdin: () => stdin, signal, onProgress };
  if (foreign === undefined) return readRecorded(files, { ...how, log });
  return { history: await readHistory(files, foreign, how), files };
}

function checkOptionsOf(options: JudgedBy, foreign: ForeignReader | undefined): CheckOptions {
  return {
    busiest: [],
    ...(options.claims !== undefined && { claims: options.claims }),
    contestedBucketsAtLeast: options.contested,
    infoAtMost: options.info,
    headroomAtMost: HEADROOM_AT_MOST.audit,
    ...(options.promise && { promise: options.promise }),
    falseDenialsAtMost: options.falseDenials,
    ...(options.dishonest !== undefined && { dishonestAtMost: options.dishonest }),
    openAtEndMissing: foreign !== undefined,
    ...(options.clockSlack !== undefined && {
      clockSlack: { us: options.clockSlack, isWidened: foreign !== undefined },
    }),
    ...(options.clockDrift !== undefined && { clockDriftPpm: options.clockDrift }),
    isComplete: options.complete,
    withoutRefunds: foreign !== undefined && options.cost === undefined,
    ...(options.openAtEnd !== undefined && { openAtEndAtMost: options.openAtEnd }),
  };
}

/** The assumptions, problems and notes of reading a foreign log. */
function readingOf(history: History, foreign: ForeignReader) {
  return {
    assumptions: foreign.assumed(history),
    problems: foreign.problems(history),
    notes: foreign.notes(),
    reading: foreign.reading(),
  };
}

const HOW_TO_PROMISE =
  'add --promise token-bucket, or what else it promises, as in: --promise fixed-window:100/60s';

/** A limiter may be held against another promise than its own, and is then not wrong if it breaks that. */
function promiseNotes({ promise }: Header, { promise: typed }: Options): string[] {
  if (promise === undefined || typed === undefined || promise === formatPromise(typed)) return [];
  return [`judged by --promise ${formatPromise(typed)}, though the limiter promises ${promise}`];
}

/** A run of a strategy may claim less than an ideal bucket: its bound, or nothing of denials. */
function notesOf({ notes = [] }: CheckReport, { header, parts }: History): Pick<CheckReport, 'notes'> {
  if (!isStrategy(header.strategy)) return {};
  const others =
    parts && parts.control === undefined
      ? 'claims of your own: --claim' // such parts are in no folder of a run
      : "a run's own claims: openclaw-rl gate <folder of the run>";
  return { notes: [...notes, `judged as an ideal bucket; ${others}`] };
}

function factsOf({ header }: History, { commandLine }: Environment) {
  return {
    command: ['openclaw-rl', ...commandLine].map(quotedForShell).join(' '),
    strategy: header.strategy,
    policies: policiesOf(header),
    seed: header.seed,
    initial: header.initial,
    ...(header.startedAt !== '' && { startedAt: header.startedAt }),
  };
}

function policiesOf({ policy, policies = {} }: Header): Record<string, string> {
  const all = [...(policy === undefined ? [] : [['', policy] as const]), ...Object.entries(policies)];
  return Object.fromEntries(
    all.map(([name, { capacity, refill }]) => [name, formatPolicy(makePolicy(capacity, refill))]),
  );
}
