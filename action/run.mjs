// Runs a command or a scenario. Outputs: exit-code; report, the folder of the run; baselines, the folder of the runs
// that it is compared with; key, the start of the key of their cache.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { isAbsolute, join, normalize } from 'node:path';
import { annotate, ask, input, lines, output, USAGE } from './steps.mjs';

const DEFAULT = 'chaos partition --isolate eu-west';
const COMMANDS = ['bench', 'chaos', 'run'];

class Refused extends Error {}

const reports = normalize(input('REPORTS') || 'reports').replace(/\/$/, '');
const args = refusing(() => {
  checkInputs();
  return words();
});
const latest = join(reports, 'latest');
const before = linkOf(latest);
const code = await run(args);
const after = linkOf(latest);
const isRun = after !== undefined && after !== before && describeRun(join(reports, after));
output('exit-code', String(code === 0 && !isRun ? USAGE : code));
if (code > 3) annotate('error', `${shown(args)} ended with ${code}; what it said is in the log`);
else if (!isRun) annotate('error', `${shown(args)} ended without a report of a run; see the log`);

function refusing(read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    annotate('error', error.message);
    output('exit-code', String(USAGE));
    process.exit(0); // the last step ends with the exit code
  }
}

/** Throws Refused where an input is wrong, before anything runs. */
function checkInputs() {
  if (input('COMMAND') !== '' && input('SCENARIO') !== '')
    throw new Refused('command and scenario are both given; remove one of them');
  if (input('SCENARIO') !== '' && input('LIMITER') !== '')
    throw new Refused(
      'limiter has no effect on a scenario; write limiter: into the scenario, relative to its file',
    );
  if (!/^[A-Za-z0-9._-]{0,100}$/.test(input('BASELINE')) || /^\.+$/.test(input('BASELINE')))
    throw new Refused('baseline must be a name of letters, digits, ".", "_" and "-"');
  if (!['auto', 'always', 'never'].includes(input('KEEP_BASELINE')))
    throw new Refused('keep-baseline must be auto, always or never');
  if (isAbsolute(reports) || reports.startsWith('..') || /[\r\n]/.test(reports))
    throw new Refused('reports must be a folder in the workspace, on one line');
  checkClaims('claims', ['gate', join(reports, 'none')]);
  if (input('BASELINE') !== '') checkClaims('tolerances', ['compare', 'none', 'none']);
}

/** Claims are parsed before a run is looked for. */
function checkClaims(name, command) {
  const claims = lines(name.toUpperCase());
  if (claims.length === 0) return;
  const { stderr } = ask([...command, ...claims.map((claim) => `--claim=${claim}`)]);
  if (stderr.includes('[INVALID_CLAIM]')) throw new Refused(`${name}: ${stderr.trim()}`);
}

function words() {
  const scenario = input('SCENARIO');
  if (scenario !== '') return ['run', `--reports=${reports}`, '--', scenario];
  const limiter = input('LIMITER');
  const split = splitWords(input('COMMAND') || DEFAULT);
  const [name] = split;
  if (!COMMANDS.includes(name))
    throw new Refused(`command must begin with ${COMMANDS.join(', ')}; found ${shown([name])}`);
  return [...split, ...(limiter === '' ? [] : [`--limiter=${limiter}`]), `--reports=${reports}`];
}

/** The words of a command: xargs knows quotes and backslashes as a shell does, and expands nothing. */
function splitWords(text) {
  const joined = text.replaceAll('\\\n', ' ');
  const { status, stdout, stderr } = spawnSync('xargs', ['-r', 'printf', '%s\\0'], {
    input: joined,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Refused(`command cannot be read: ${stderr.trim()}`);
  return stdout.split('\0').slice(0, -1);
}

/** Passes the signals of a cancelled job on, so that faults are healed and everything is stopped. */
async function run(words) {
  process.stdout.write(`${shown(words)}\n`);
  const child = spawn(process.env.PROGRAM, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
  });
}

/** On one line, with nothing in it that GitHub takes for a command. */
function shown(words) {
  return words
    .map((word) =>
      /^[\w./:=,%<>()+-]+$/.test(word) ? word : JSON.stringify(word).replaceAll('#', '\\u0023'),
    )
    .join(' ');
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Whether the folder has a report; sets the outputs. */
function describeRun(folder) {
  let report;
  try {
    report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  } catch {
    return false; // the run did not end
  }
  output('report', folder);
  const name = input('BASELINE');
  if (name !== '') describeBaseline(report, name);
  return true;
}

function describeBaseline(report, name) {
  const baselines = join(reports, 'baselines', name);
  rmSync(baselines, { recursive: true, force: true }); // of an earlier job in this workspace
  output('baselines', baselines);
  // A report of another version cannot be read.
  const scenario = report.plan.scenario.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 100);
  output('key', `openclaw-rl-${process.platform}-${process.arch}-${report.version}-${name}-${scenario}`);
}
