import { Command } from 'commander';
import type { Environment } from '../environment.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { type Format, formatOption, render } from '../output.ts';
import { LATEST_RUN, readReport } from '../read-report.ts';

interface Options {
  readonly format: Format;
  readonly json: boolean;
}

export function reportCommand(environment: Environment): Command {
  return new Command('report')
    .description(
      'Show the report of a run again, as table, Markdown, JUnit or JSON; the exit code is that of the run.',
    )
    .argument('[run]', 'folder of a run', LATEST_RUN)
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false)
    .addHelpText('after', EXAMPLES)
    .action(async (run: string, options: Options) => {
      const report = await readReport(run, environment.cwd);
      environment.out(render(report, options, environment));
      environment.setExitCode(exitCodeOfReport(report));
    });
}

const EXAMPLES = `
Examples:
  $ openclaw-rl report                          # the newest run
  $ openclaw-rl report --format md > run.md     # for a pull request
  $ openclaw-rl report reports/20261125T0-bench-1 --json | jq .verdict`;
