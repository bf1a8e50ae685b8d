import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { parseRelativeClaim, type RelativeClaim } from '../../checker/claims/relative-claim.ts';
import { invalidOption } from '../../core/errors.ts';
import { judgeBaselines } from '../../report/baselines.ts';
import { type Comparison, compareReports } from '../../report/comparison.ts';
import {
  comparisonAnnotations,
  renderComparison,
  renderComparisonMarkdown,
} from '../../report/comparison-text.ts';
import type { RunReport } from '../../report/report.ts';
import { readEvidence } from '../files/read-evidence.ts';
import { type KeptRun, readJudgedRun, readRunOrWhy, type UnreadRun } from '../files/read-report.ts';
import { type HtmlFlag, htmlOption } from '../flags/html-option.ts';
import { githubOption, tellGithub } from '../output/github.ts';
import { comparisonHtml, writeHtmlFile } from '../output/html-file.ts';
import { openFile } from '../output/open-file.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

const COMPARISON_FILE = 'comparison.html';

interface Options extends HtmlFlag {
  readonly claim: readonly RelativeClaim[];
  readonly github: boolean;
  readonly json: boolean;
  readonly open: boolean;
}

export function compareCommand(environment: Environment): Command {
  return new Command('compare')
    .description('Compare runs: verdict, claims, excess, rates and latency, with ratios to the first run.')
    .argument('<run...>', 'folders of two or more runs')
    .addOption(
      new Option(
        '--claim <claim>',
        "judge the last run against those before it, by a claim like 'p99(allowed) <= 1.5x'; repeatable; the exit code is the result",
      )
        .argParser((text: string, sofar: readonly RelativeClaim[] = []) => [
          ...sofar,
          parseRelativeClaim(text),
        ])
        .default([], 'none')
        .conflicts(['html', 'open']),
    )
    .option('--json', 'print one JSON document', false)
    .addOption(githubOption('comparison').conflicts(['html', 'open']))
    .addOption(
      htmlOption(
        `write a page with the runs on the same axes and print its path (default: ${COMPARISON_FILE})`,
        () => 'compare <run...> --html',
      ).conflicts('json'),
    )
    .addOption(
      new Option('--open', 'write the page and open it in a browser').default(false).conflicts('json'),
    )
    .addHelpText('after', EXAMPLES)
    .action((runs: string[], options: Options) => compare(runs, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl compare reports/20261125T0-bench-1 reports/latest
  $ openclaw-rl compare reports/*-bench-1 --json |
      jq '.figures[] | select(.name == "requests/s")'
  # charts on the same axes, with the differences marked
  $ openclaw-rl compare bench-1 bench-2 --html two.html
  # is the last run slower than the three before it?
  $ openclaw-rl compare main-1 main-2 main-3 reports/latest \\
      --claim 'p99(allowed) <= 1.5x' --claim 'throughput >= 0.7x'

Claims:
  p50, p99, max of (allowed), (denied), (failed) or (any)   <= 1.5x
  throughput                                                >= 0.7x
The factor is of the median of the earlier runs with the same policy, topology,
load and faults. A run that is no slower than one of them keeps its claims.
A claim may end in a phase: before, during <fault> or after <fault>.
Exit codes: 0 all hold, 2 one is unknown, else 3.`;

async function compare(runs: readonly string[], options: Options, environment: Environment): Promise<void> {
  if (runs.length < 2) throw invalidOption('expected at least 2 runs to compare; found 1');
  const { kept, unread } = await readRuns(runs, options.claim.length > 0, environment);
  const { json, html, open, github } = options;
  if (html !== undefined || open) {
    const path = resolve(environment.cwd, typeof html === 'string' ? html : COMPARISON_FILE);
    await writeHtmlFile(path, await makePage(kept, environment), environment.interrupt);
    environment.out(`${path}\n`);
    if (open) await openFile(path, environment);
    return;
  }
  const comparison = judged(
    kept.map(({ report }) => report),
    options.claim,
    unread,
  );
  environment.out(json ? jsonText(comparison) : renderComparison(comparison, environment.look));
  await tellGithub(
    { annotations: comparisonAnnotations(comparison), summary: renderComparisonMarkdown(comparison) },
    { isAsked: github, json },
    environment,
  );
  environment.setExitCode(exitCodeOf(comparison));
}

/** With claims, those before the last one may have reports that cannot be read. Throws INVALID_REPORT. */
async function readRuns(runs: readonly string[], hasClaims: boolean, { cwd }: Environment) {
  const found = await Promise.all(
    runs.map((run, at) =>
      hasClaims && at < runs.length - 1 ? readRunOrWhy(run, cwd) : readJudgedRun(run, cwd),
    ),
  );
  return {
    kept: found.filter((run) => 'report' in run),
    unread: found.filter((run) => 'why' in run),
  };
}

function judged(
  reports: readonly RunReport[],
  claims: readonly RelativeClaim[],
  unread: readonly UnreadRun[],
): Comparison {
  const comparison = compareReports(reports);
  const [run, ...earlier] = reports.toReversed();
  if (claims.length === 0 || run === undefined) return comparison;
  const baselines = judgeBaselines(claims, run, earlier.reverse());
  return { ...comparison, baselines: { ...baselines, leftOut: [...baselines.leftOut, ...unread] } };
}

function exitCodeOf({ baselines }: Comparison): number {
  const statuses = new Set(baselines?.claims.map(({ status }) => status));
  if (statuses.has('unknown')) return EXIT.unknown;
  return statuses.has('broken') ? EXIT.performance : EXIT.pass;
}

async function makePage(kept: readonly KeptRun[], environment: Environment): Promise<string> {
  const seen = [];
  for (const { report, folder } of kept) {
    const evidence = await readEvidence(folder, report, environment);
    seen.push({ report, ...(evidence && { evidence }) });
  }
  return comparisonHtml(seen);
}
