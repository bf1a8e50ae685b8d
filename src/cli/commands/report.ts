import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { readEvidence } from '../files/read-evidence.ts';
import { LATEST_RUN, readRun } from '../files/read-report.ts';
import { type HtmlFlag, htmlOption } from '../flags/html-option.ts';
import { collectorOf, type OtlpFlag, otlpOption } from '../flags/otlp-option.ts';
import { HTML_FILE, runHtml, writeHtmlFile } from '../output/html-file.ts';
import { openFile } from '../output/open-file.ts';
import { sendKeptRun } from '../output/otlp-run.ts';
import { type Format, formatOption, render } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { exitCodeOfReport } from '../process/exit-codes.ts';

interface Options extends HtmlFlag, OtlpFlag {
  readonly format: Format;
  readonly json: boolean;
  readonly open: boolean;
}

export function reportCommand(environment: Environment): Command {
  return new Command('report')
    .description(
      'Show the report of a run as table, Markdown, JUnit, JSON or HTML; the exit code is that of the verdict.',
    )
    .argument('[run]', 'folder of a run', LATEST_RUN)
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false)
    .addOption(
      htmlOption(
        `write the page of the run and print its path (default: ${HTML_FILE} in its folder)`,
        (run) => `report ${run} --html`,
      ).conflicts(['json', 'format']),
    )
    .addOption(
      new Option('--open', 'write the page and open it in a browser')
        .default(false)
        .conflicts(['json', 'format']),
    )
    .addOption(otlpOption().conflicts(['json', 'format', 'html', 'open']))
    .addHelpText('after', EXAMPLES)
    .action((run: string, options: Options) => showReport(run, options, environment));
}

const EXAMPLES = `
Examples:
  # the newest run
  $ openclaw-rl report
  # for a pull request
  $ openclaw-rl report --format md > run.md
  $ openclaw-rl report reports/20261125T0-bench-1 --json | jq .verdict
  # one self-contained file
  $ openclaw-rl report bench-1 --html run.html
  $ openclaw-rl report --open
  # to OpenTelemetry
  $ openclaw-rl report --otlp http://127.0.0.1:4318`;

async function showReport(run: string, options: Options, environment: Environment): Promise<void> {
  const { report, folder } = await readRun(run, environment.cwd);
  environment.setExitCode(exitCodeOfReport(report));
  const { html, open, otlp } = options;
  if (otlp !== undefined) {
    const collector = collectorOf(otlp, environment);
    const evidence = await readEvidence(folder, report, environment);
    await sendKeptRun({ report, folder, evidence }, collector, environment);
    return;
  }
  if (html === undefined && !open) {
    environment.out(render(report, options, environment));
    return;
  }
  const text = runHtml(report, await readEvidence(folder, report, environment));
  const path = typeof html === 'string' ? resolve(environment.cwd, html) : resolve(folder, HTML_FILE);
  await writeHtmlFile(path, text, environment.interrupt);
  environment.out(`${path}\n`);
  if (open) await openFile(path, environment);
}
