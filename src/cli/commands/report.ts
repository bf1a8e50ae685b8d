import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Environment } from '../environment.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { HTML_FILE, runHtml, writeHtmlFile } from '../html-file.ts';
import { openFile } from '../open-file.ts';
import { type Format, formatOption, render } from '../output.ts';
import { readEvidence } from '../read-evidence.ts';
import { LATEST_RUN, readRun } from '../read-report.ts';

interface Options {
  readonly format: Format;
  readonly json: boolean;
  readonly html?: string | true;
  readonly open: boolean;
}

export function reportCommand(environment: Environment): Command {
  return new Command('report')
    .description(
      'Show the report of a run again, as table, Markdown, JUnit, JSON or a page for a browser; the exit code is that of the run.',
    )
    .argument('[run]', 'folder of a run', LATEST_RUN)
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false)
    .addOption(
      new Option(
        '--html [file]',
        `make the page of the run again, ${HTML_FILE} in its folder if no other file is named, and print its path`,
      ).conflicts(['json', 'format']),
    )
    .addOption(
      new Option('--open', 'make the page and show it in a browser')
        .default(false)
        .conflicts(['json', 'format']),
    )
    .addHelpText('after', EXAMPLES)
    .action((run: string, options: Options) => showReport(run, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl report                          # the newest run
  $ openclaw-rl report --format md > run.md     # for a pull request
  $ openclaw-rl report reports/20261125T0-bench-1 --json | jq .verdict
  $ openclaw-rl report bench-1 --html run.html  # one file that needs no network: send it to anybody
  $ openclaw-rl report --open                   # the newest run in a browser`;

async function showReport(run: string, options: Options, environment: Environment): Promise<void> {
  const { report, folder } = await readRun(run, environment.cwd);
  environment.setExitCode(exitCodeOfReport(report));
  const { html, open } = options;
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
