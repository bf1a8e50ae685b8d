import { Command } from 'commander';
import type { HuntDocument, HuntStatus } from '../../hunt/hunt-document.ts';
import { huntStatus } from '../../hunt/hunt-document.ts';
import { huntNotes, huntSentence, huntTable } from '../../hunt/hunt-text.ts';
import { labelled } from '../../report/fit-lines.ts';
import { drawTable } from '../../report/text-table.ts';
import { type HuntFlags, huntOptions } from '../flags/hunt-options.ts';
import { hunt } from '../hunts/hunt.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

export function huntCommand(environment: Environment): Command {
  return huntOptions(new Command('hunt'))
    .description('Search for the schedule of load and faults under which a limiter admits the most.')
    .addHelpText('after', HELP)
    .action(async (flags: HuntFlags) => {
      const document = await hunt(flags, environment);
      if (environment.interrupt.aborted || document === undefined) {
        environment.setExitCode(environment.interruptCode());
        return;
      }
      environment.out(flags.json ? jsonText(document) : rendered(document, environment));
      environment.setExitCode(EXITS[huntStatus(document)]);
    });
}

const EXITS: Readonly<Record<HuntStatus, number>> = {
  ...{ found: EXIT.fail, 'not confirmed': EXIT.unknown, incomplete: EXIT.unknown, nothing: EXIT.pass },
};

const HELP = `
The search runs in simulation; what it finds is shrunk, written as a scenario
file, and run on a real cluster. With --limiter or --real the search itself
runs on a real cluster, one schedule after the other, for 10 minutes.

Exit codes: 1 if more was admitted than the bound allows, on a real cluster;
2 if in simulation only, or if schedules have no outcome; 0 if nothing was
found in the budget, which proves nothing about other schedules.
After Ctrl-C the same command resumes.

Examples:
  $ openclaw-rl hunt --strategy lease --schedules 100000
  $ openclaw-rl hunt --strategy acked --fault partition kill --time 5m
  # what a failover costs, without Redis
  $ openclaw-rl hunt --strategy central --no-confirm
  # your own limiter, on real clusters
  $ openclaw-rl hunt --limiter ./mine.mjs --time 10m`;

function rendered(document: HuntDocument, { look }: Environment): string {
  const { columns } = look;
  const lines = [huntSentence(document), ...huntNotes(document)];
  const table = document.worst.length === 0 ? '' : `${drawTable(huntTable(document), columns)}\n`;
  return `${table}${lines.map((line) => `${labelled('', line, columns)}\n`).join('')}`;
}
