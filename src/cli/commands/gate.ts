import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { explainClaim, parseClaim } from '../../checker/claims/claim.ts';
import { invalidOption, type OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { renderAnnotations } from '../../report/annotations.ts';
import { judgeAgain } from '../../report/judge-again.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import type { RunReport } from '../../report/report.ts';
import { renderBrief } from '../../report/table.ts';
import { renderVerdict } from '../../report/verdict-text.ts';
import { LATEST_RUN, readJudgedRun } from '../files/read-report.ts';
import { claimOption, claimsHelp } from '../flags/claim-option.ts';
import { githubOption, tellGithub, writeOut } from '../output/github.ts';
import { briefOption, jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { exitCodeOfReport } from '../process/exit-codes.ts';

interface Options {
  readonly claim: readonly string[];
  readonly junit?: string;
  readonly github: boolean;
  readonly json: boolean;
  readonly brief: boolean;
  readonly simulated: boolean;
}

export function gateCommand(environment: Environment): Command {
  return new Command('gate')
    .description('Check a finished run against its claims (or others); the exit code is the result.')
    .argument('[run]', 'folder of a run', LATEST_RUN)
    .addOption(claimOption('one more claim').default([], 'none'))
    .option(
      '--simulated',
      'take a simulated run, too: it is no evidence about a real Redis. Of a real run a note says that it is one',
      false,
    )
    .option('--junit <file>', 'write the claims as JUnit XML, one test case each')
    .addOption(githubOption('report'))
    .option('--json', 'print the report with these claims as one JSON document', false)
    .addOption(briefOption())
    .addHelpText('after', EXAMPLES)
    .action((run: string, options: Options) => gate(run, options, environment));
}

const EXAMPLES = `
Examples:
  # the newest run and its own claims
  $ openclaw-rl gate
  $ openclaw-rl gate --claim 'p99(allowed) <= 250ms' \\
      --claim 'throughput >= 5000/s'
  $ openclaw-rl gate --claim 'failed <= 5% during partition' --junit gate.xml
  # a simulated run is refused (exit code 64) unless you ask for it
  $ openclaw-rl gate simulated/latest --simulated
${claimsHelp({ hasBound: true })}`;

async function gate(run: string, options: Options, environment: Environment): Promise<void> {
  const { report: kept, folder } = await readJudgedRun(run, environment.cwd);
  if (kept.simulated && !options.simulated) throw simulatedRun(run);
  if (options.simulated && !kept.simulated)
    environment.log(`note: ${printable(run)} is a real run, and is judged as one\n`);
  const report = judgeAgain(kept, options.claim);
  for (const claim of options.claim) environment.log(`${printable(explainClaim(parseClaim(claim)))}\n`);
  environment.out(rendered(report, folder, options, environment));
  const { junit, github, json } = options;
  const outcomes = await Promise.allSettled([
    tellGithub(
      { annotations: renderAnnotations(report), summary: renderMarkdown(report) },
      { isAsked: github, json },
      environment,
    ),
    junit === undefined ? undefined : writeJunit(junit, report, environment),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  environment.setExitCode(exitCodeOfReport(report));
}

/** A build that is green must not be so by accident: no simulated run proves anything about a real Redis. */
function simulatedRun(run: string): OpenclawError {
  return invalidOption(
    `${run} was simulated: it is no evidence about a real Redis`,
    `gate a run that was made without --simulate, or a simulation as such: openclaw-rl gate ${quotedForShell(run)} --simulated`,
  );
}

/** Makes its folder, too. Throws ENVIRONMENT_FAILED. */
async function writeJunit(file: string, report: RunReport, { cwd }: Environment): Promise<void> {
  const path = resolve(cwd, file);
  await writeOut(file, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, renderJunit(report));
  });
}

function rendered(
  report: RunReport,
  folder: string,
  { json, brief }: Options,
  { look }: Environment,
): string {
  if (json) return jsonText(report);
  return brief ? renderBrief(report, look, folder) : renderVerdict(report, look);
}
