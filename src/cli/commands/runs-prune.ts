import { Command } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { bytesText, count } from '../../core/units.ts';
import { clusterStore } from '../../regions/store/user-clusters.ts';
import { type Kept, type PrunePlan, planPrune, pruneRuns, type Removal } from '../files/prune-runs.ts';
import { wholeNumber } from '../flags/options.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { isYes } from '../process/ask.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { reportError } from '../process/report-error.ts';

interface Flags {
  readonly keep: number;
  readonly reports: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

export function runsPruneCommand(environment: Environment): Command {
  return new Command('prune')
    .description('Remove the oldest runs, by the times in their names; the newest ones stay.')
    .requiredOption('--keep <number>', 'how many of the newest runs stay', wholeNumber(0, 1_000_000_000))
    .option('--reports <folder>', 'folder with the runs', 'reports')
    .option('--dry-run', 'remove nothing; print what would be removed', false)
    .option('--yes', 'do not ask', false)
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', NOTES)
    .action((flags: Flags, command: Command) => {
      refuseBefore(command);
      return prune(flags, environment);
    });
}

const NOTES = `
Older runs stay that something needs: the one that \`latest\` links to, one that a
program is writing, the last run on a cluster that is up, and those in the cells
of a matrix or scoreboard. So does a folder with a file that no run writes, and
a symbolic link. It asks in a terminal. Ctrl-C leaves whole runs only.
Exit code 69: something could not be removed, or the answer was no.

Examples:
  $ openclaw-rl runs prune --keep 20 --dry-run
  $ openclaw-rl runs prune --keep 20
  $ openclaw-rl runs prune --keep 100 --reports ci/reports --yes`;

/** Options of `runs` would have no effect. */
function refuseBefore({ parent }: Command): void {
  const [typed] = Object.keys(parent?.opts() ?? {}).filter(
    (name) => parent?.getOptionValueSource(name) === 'cli',
  );
  if (typed !== undefined)
    throw invalidOption(`--${typed} stands before prune`, `write it after prune: runs prune --${typed} ...`);
}

async function prune(flags: Flags, environment: Environment): Promise<void> {
  const { dryRun, json } = flags;
  const { interrupt, ask } = environment;
  const store = clusterStore(environment);
  const plan = await planPrune(flags, { cwd: environment.cwd, store });
  if (!dryRun && !flags.yes && ask !== undefined && plan.removals.length > 0) {
    environment.log(`prune removes:\n${plan.removals.map((one) => `  ${sized(one)}\n`).join('')}`);
    if (!isYes(await ask('Remove all of them? [y/N] '))) {
      environment.log('nothing was removed\n');
      environment.setExitCode(EXIT.environment);
      return;
    }
  }
  const say = (line: string) => json || environment.out(`${line}\n`);
  const [removed, kept]: [Removal[], Kept[]] = [[], []];
  const onKept = (one: Kept) => {
    kept.push(one);
    say(`kept ${shown(one.folder)}: ${one.reason}`);
  };
  const onRemoved = (one: Removal) => {
    removed.push(one);
    say(`${dryRun ? 'would remove' : 'removed'} ${sized(one)}`);
  };
  const onError = (error: unknown) => environment.setExitCode(reportError(error, environment));
  for (const one of [...plan.leftAlone, ...plan.needed]) onKept(one);
  if (dryRun) plan.removals.forEach(onRemoved);
  else await pruneRuns(plan, { store, signal: interrupt, on: { onRemoved, onKept, onError } });
  environment.out(json ? documentOf(flags, removed, kept) : summary(flags, plan, removed));
  if (interrupt.aborted) environment.setExitCode(environment.interruptCode());
}

function summary({ dryRun, reports }: Flags, plan: PrunePlan, removed: readonly Removal[]): string {
  const { removals } = plan;
  if (removals.length === 0) return `nothing to remove in ${shown(reports)}\n`;
  const runs = removed.filter(({ isHalfRemoved }) => !isHalfRemoved).length;
  const rest = removed.length === removals.length ? '' : `; ${removals.length - removed.length} not removed`;
  return `${dryRun ? 'would remove' : 'removed'} ${count(runs, 'run')}, ${bytesText(bytesOf(removed))}${rest}\n`;
}

function documentOf({ dryRun, keep }: Flags, removed: readonly Removal[], kept: readonly Kept[]): string {
  const lines = removed.map(({ folder, bytes }) => ({ folder, bytes }));
  const head = { format: 'openclaw-prune', version: 1, dryRun, keep } as const;
  return jsonText({ ...head, removed: lines, bytes: bytesOf(removed), kept });
}

const bytesOf = (removed: readonly Removal[]) => removed.reduce((sum, { bytes }) => sum + bytes, 0);

const shown = (folder: string) => printable(quotedForShell(folder));

const sized = ({ folder, bytes, isHalfRemoved }: Removal) =>
  `${shown(folder)} (${bytesText(bytes)}${isHalfRemoved ? ', half removed earlier' : ''})`;
