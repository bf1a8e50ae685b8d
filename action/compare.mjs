// Compares the run with its baselines, and makes it one of them if it may become one.
// Outputs: exit-code, verdict; keep, whether the baselines are to be kept.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { annotate, ask, input, lines, output, program, VERDICTS } from './steps.mjs';

/** Fewer are no measure of how much runs differ. */
const FEWEST = 3;
/** The newest that are kept. */
const MOST = 5;

const [report, baselines, name] = ['REPORT', 'BASELINES', 'BASELINE'].map(input);
const tolerances = lines('TOLERANCES').map((claim) => `--claim=${claim}`);
const kept = existsSync(baselines) ? readdirSync(baselines).sort() : []; // a name begins with its time
const whole = kept.filter(hasReport).map((run) => join(baselines, run));
const alike = whole.length === 0 ? [] : alikeOf(whole);

output('verdict', compare());
keep();

function hasReport(run) {
  const isThere = existsSync(join(baselines, run, 'report.json'));
  if (!isThere) annotate('warning', `${run} is no baseline: it has no report.json`);
  return isThere;
}

/** Of these runs, those that can be compared with this one. */
function alikeOf(runs) {
  const { stdout, stderr } = ask(['compare', ...runs, report, '--json', '--claim=throughput >= 0.5x']);
  if (stdout === '') {
    annotate('warning', `the baseline ${name} cannot be read, so nothing is compared: ${stderr.trim()}`);
    return [];
  }
  const { leftOut } = JSON.parse(stdout).baselines;
  for (const { folder, why } of leftOut) annotate('notice', `${basename(folder)} is no baseline: ${why}`);
  const others = new Set(leftOut.map(({ folder }) => basename(folder)));
  return runs.filter((run) => !others.has(basename(run)));
}

function compare() {
  if (tolerances.length === 0 || alike.length < FEWEST) {
    if (alike.length > 0) program(['compare', ...alike, report]);
    if (tolerances.length > 0)
      annotate(
        'notice',
        `nothing is compared yet: the baseline ${name} has ${alike.length} of at least ${FEWEST} runs of this policy, ` +
          'topology, load and faults. Runs that pass on the default branch become baselines',
      );
    return 'none';
  }
  const { code } = program(['compare', ...alike, report, ...tolerances]);
  output('exit-code', String(code));
  return VERDICTS[code] ?? 'none';
}

/** Drops the runs that are too many or of another plan, and adds this one. */
function keep() {
  if (input('VERDICT') !== 'pass' || !mayKeep()) return;
  const newest = alike.slice(1 - MOST);
  for (const run of kept.map((run) => join(baselines, run)))
    if (!newest.includes(run)) rmSync(run, { recursive: true });
  const folder = join(baselines, basename(report));
  mkdirSync(folder, { recursive: true });
  cpSync(join(report, 'report.json'), join(folder, 'report.json'));
  output('keep', 'true');
}

/** A pull request must not move what it is compared with, however it is started. */
function mayKeep() {
  const [choice, event, ref, branch] = ['KEEP_BASELINE', 'EVENT', 'REF', 'DEFAULT_BRANCH'].map(input);
  if (choice !== 'auto') return choice === 'always';
  if (event === 'schedule') return true; // runs on the default branch
  return ['push', 'workflow_dispatch'].includes(event) && branch !== '' && ref === `refs/heads/${branch}`;
}
