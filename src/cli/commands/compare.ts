import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { compareReports, comparisonTable } from '../../report/comparison.ts';
import { draw } from '../../report/table.ts';
import type { Environment } from '../environment.ts';
import { comparisonHtml, writeHtmlFile } from '../html-file.ts';
import { openFile } from '../open-file.ts';
import { jsonText } from '../output.ts';
import { readEvidence } from '../read-evidence.ts';
import { type KeptRun, readRun } from '../read-report.ts';

const COMPARISON_FILE = 'comparison.html';

interface Options {
  readonly json: boolean;
  readonly html?: string | true;
  readonly open: boolean;
}

export function compareCommand(environment: Environment): Command {
  return new Command('compare')
    .description(
      'Put runs side by side: verdict, claims, excess, rates and latency, with ratios to the first.',
    )
    .argument('<run...>', 'folders of two runs or more')
    .option('--json', 'print one JSON document and nothing else', false)
    .addOption(
      new Option(
        '--html [file]',
        `make a page of the runs on the same axes, ${COMPARISON_FILE} if no other file is named, and print its path`,
      ).conflicts('json'),
    )
    .addOption(
      new Option('--open', 'make the page and show it in a browser').default(false).conflicts('json'),
    )
    .addHelpText('after', EXAMPLES)
    .action((runs: string[], options: Options) => compare(runs, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl compare reports/20261125T0-bench-1 reports/latest
  $ openclaw-rl compare reports/*-bench-1 --json | jq '.figures[] | select(.name == "requests/s")'
  $ openclaw-rl compare bench-1 bench-2 --html two.html   # on the same axes, what differs is marked`;

async function compare(runs: readonly string[], options: Options, environment: Environment): Promise<void> {
  if (runs.length < 2) throw new OpenclawError('INVALID_OPTION', 'it takes two runs to compare; found one');
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
  const { head, rows } = comparisonTable(comparison);
  environment.out(json ? jsonText(comparison) : `${draw(head, rows)}\n`);
}

async function makePage(kept: readonly KeptRun[], environment: Environment): Promise<string> {
  const seen = [];
  for (const { report, folder } of kept) {
    const evidence = await readEvidence(folder, report, environment);
    seen.push({ report, ...(evidence && { evidence }) });
  }
  return comparisonHtml(seen);
}
