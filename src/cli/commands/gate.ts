import { appendFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { explainClaim, parseClaim } from '../../checker/claim.ts';
import { EVIDENCE_BROUGHT } from '../../checker/evidence-claims.ts';
import { OpenclawError, printable } from '../../core/errors.ts';
import { renderAnnotations } from '../../report/annotations.ts';
import { judgeAgain } from '../../report/gate.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import type { RunReport } from '../../report/report.ts';
import { renderVerdict } from '../../report/table.ts';
import type { Environment } from '../environment.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { parsedBy } from '../options.ts';
import { jsonText } from '../output.ts';
import { LATEST_RUN, readReport } from '../read-report.ts';

interface Options {
  readonly claim: readonly string[];
  readonly junit?: string;
  readonly github: boolean;
  readonly json: boolean;
}

export function gateCommand(environment: Environment): Command {
  return new Command('gate')
    .description('Hold a run against its claims, and others; the exit code says what became of them.')
    .argument('[run]', 'folder of a run', LATEST_RUN)
    .addOption(
      new Option(
        '--claim <claim>',
        `one more claim; can be repeated; one on correctness brings ${EVIDENCE_BROUGHT} with it`,
      )
        .argParser((text: string, sofar: readonly string[]) => [...sofar, parsedBy(parseClaim)(text).text])
        .default([], 'none'),
    )
    .option('--junit <file>', 'write the claims as JUnit XML, one test case each')
    .option(
      '--github',
      'annotations, and the report in the step summary; on by itself in GitHub Actions',
      false,
    )
    .option('--json', 'print the report with these claims as one JSON document', false)
    .addHelpText('after', EXAMPLES)
    .action((run: string, options: Options) => gate(run, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl gate                                                # the newest run and its own claims
  $ openclaw-rl gate --claim 'p99(allowed) <= 250ms' --claim 'throughput >= 5000/s'
  $ openclaw-rl gate --claim 'failed <= 5% during partition' --junit gate.xml
Claims: total-excess, worst-window (<= tokens or bound), false-denials, replay, windows (<= count), info, failed, dropped, headroom (<= 5%),
  contested (>= 80% or a count), p50, p99, max of (allowed), (denied), (failed) or (any) (<= 250ms), throughput (>= 5000/s);
  then perhaps a phase: before, during <fault>, after <fault>.`;

async function gate(run: string, options: Options, environment: Environment): Promise<void> {
  const report = judgeAgain(await readReport(run, environment.cwd), options.claim);
  for (const claim of options.claim) environment.log(`${printable(explainClaim(parseClaim(claim)))}\n`);
  environment.out(options.json ? jsonText(report) : renderVerdict(report, { colour: environment.colourOut }));
  const { junit } = options;
  if (junit !== undefined)
    await writeOut(junit, () => writeFile(resolve(environment.cwd, junit), renderJunit(report)));
  if (options.github || environment.env.GITHUB_ACTIONS === 'true')
    await tellGithub(report, options, environment);
  environment.setExitCode(exitCodeOfReport(report));
}

/** Annotations are read from any output of a step; with --json standard output is one document. */
async function tellGithub(report: RunReport, { json }: Options, environment: Environment): Promise<void> {
  const annotations = renderAnnotations(report);
  if (json) environment.log(annotations);
  else environment.out(annotations);
  const summary = environment.env.GITHUB_STEP_SUMMARY;
  if (summary === undefined || summary === '') return;
  await writeOut(summary, () => appendFile(summary, renderMarkdown(report)));
}

async function writeOut(file: string, write: () => Promise<void>): Promise<void> {
  await write().catch((error: Error) => {
    throw new OpenclawError('ENVIRONMENT_FAILED', `cannot write ${file}: ${error.message}`, {
      cause: error,
      hint: 'choose a place that can be written to',
    });
  });
}
