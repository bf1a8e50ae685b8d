import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { compareReports, comparisonTable } from '../../report/comparison.ts';
import { drawTable } from '../../report/text-table.ts';
import { readEvidence } from '../files/read-evidence.ts';
import { type KeptRun, readRun } from '../files/read-report.ts';
import { type HtmlFlag, htmlOption } from '../flags/html-option.ts';
import { comparisonHtml, writeHtmlFile } from '../output/html-file.ts';
import { openFile } from '../output/open-file.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';

const COMPARISON_FILE = 'comparison.html';

interface Options extends HtmlFlag {
  readonly json: boolean;
  readonly open: boolean;
}

export function compareCommand(environment: Environment): Command {
  return new Command('compare')
    .description('Compare runs: verdict, claims, excess, rates and latency, with ratios to the first run.')
    .argument('<run...>', 'folders of two or more runs')
    .option('--json', 'print one JSON document', false)
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
  $ openclaw-rl compare bench-1 bench-2 --html two.html`;

async function compare(runs: readonly string[], options: Options, environment: Environment): Promise<void> {
  if (runs.length < 2) throw invalidOption('expected at least 2 runs to compare; found 1');
  const kept = await Promise.all(runs.map((run) => readRun(run, environment.cwd)));
  const { json, html, open } = options;
  if (html !== undefined || open) {
    const path = resolve(environment.cwd, typeof html === 'string' ? html : COMPARISON_FILE);
    await writeHtmlFile(path, await makePage(kept, environment), environment.interrupt);
    environment.out(`${path}\n`);
    if (open) await openFile(path, environment);
    return;
  }
  const comparison = compareReports(kept.map(({ report }) => report));
  environment.out(
    json ? jsonText(comparison) : `${drawTable(comparisonTable(comparison), environment.look.columns)}\n`,
  );
}

async function makePage(kept: readonly KeptRun[], environment: Environment): Promise<string> {
  const seen = [];
  for (const { report, folder } of kept) {
    const evidence = await readEvidence(folder, report, environment);
    seen.push({ report, ...(evidence && { evidence }) });
  }
  return comparisonHtml(seen);
}
