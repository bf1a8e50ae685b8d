// Judges random histories of correct limiters, and of limiters with one defect each:
//   npm run soak:verdicts [-- --histories 1000000 --seed 1 --processes 2 --defects 500 --against <folder> --out <file>]
//
// Each seed is one history: an ideal limiter under random traffic, clocks, faults and recorders, in the native format or
// as a foreign log, judged by the checker that users run. No verdict may be fail: such a history is written to
// reports/soak-verdicts, with the command that makes it again. --defects judges this number of histories of each of nine
// defective limiters, by this program and by the one built in --against, and lists the convictions that were lost.
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values: flags } = parseArgs({
  options: {
    histories: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(availableParallelism()) },
    defects: { type: 'string', default: '0' },
    against: { type: 'string' },
    out: { type: 'string' },
  },
});

const ROOT = new URL('..', import.meta.url).pathname;
const BATCH = 500;
const DEFECTS = 9;
const MOST_KEPT = 20;
const HEAD = `# Verdicts on simulated limiters

Written by \`npm run soak:verdicts\`: histories of ideal limiters under random traffic, clocks, faults and ways of
recording. None may be accused.

`;
const kept = join(ROOT, 'reports/soak-verdicts');
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-soak-'));
const startedMs = performance.now();
let shownMs = startedMs;
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const worker = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(ROOT, 'test/verdicts/soak/worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: worker,
    logLevel: 'error',
  });
  const sum = { histories: 0, operations: 0, contested: 0, denied: 0, verdicts: {}, features: {} };
  const wrong = [];
  const powers = Array.from({ length: DEFECTS }, () => undefined);
  await handOut(worker, tasks(), (task, result) => {
    if (task.type === 'power') powers[task.defect] = addPower(powers[task.defect], result);
    else {
      addCounts(sum, result.tally);
      for (const one of result.wrong) if (wrong.push(one) <= MOST_KEPT) keep(one);
    }
    progress(sum, wrong.length, powers);
  });
  process.stderr.write('\n');
  const text = [...tableOf(sum, wrong), ...powerOf(powers.filter((power) => power !== undefined))].join('\n');
  process.stdout.write(`${text}\n`);
  if (flags.out !== undefined) writeFileSync(resolve(ROOT, flags.out), `${HEAD}${text}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}

function* tasks() {
  const first = Number(flags.seed);
  const last = first + Number(flags.histories) - 1;
  for (let from = first; from <= last; from += BATCH)
    yield { type: 'correct', from, to: Math.min(last, from + BATCH - 1) };
  for (let defect = 0; defect < DEFECTS; defect++)
    for (let from = 1; from <= Number(flags.defects); from += BATCH)
      yield { type: 'power', defect, from, to: Math.min(Number(flags.defects), from + BATCH - 1) };
}

/** Each process takes the next task when it has finished one. */
async function handOut(worker, all, onResult) {
  const processes = Array.from({ length: Number(flags.processes) }, async () => {
    const child = fork(worker, [ROOT, ...(flags.against === undefined ? [] : [resolve(flags.against)])]);
    const answers = new Map();
    child.on('message', (result) => answers.get('next')?.(result));
    const ended = new Promise((_, reject) =>
      child.on('exit', (code) => reject(new Error(`a worker left: ${code}`))),
    );
    ended.catch(() => {});
    for (const task of all) {
      const answer = new Promise((done) => answers.set('next', done));
      child.send(task);
      onResult(task, await Promise.race([answer, ended]));
    }
    child.disconnect();
  });
  await Promise.all(processes);
}

function addCounts(sum, more) {
  for (const [name, value] of Object.entries(more)) {
    if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value;
    else addCounts(sum[name], value);
  }
}

function addPower(sum, more) {
  if (sum === undefined) return more;
  const { histories, convicted, convictedBefore, gained, lost } = sum;
  return {
    defect: sum.defect,
    histories: histories + more.histories,
    convicted: convicted + more.convicted,
    convictedBefore: convictedBefore + more.convictedBefore,
    gained: gained + more.gained,
    lost: [...lost, ...more.lost],
  };
}

function keep({ seed, reasons, history: { files, args = [], promise } }) {
  const own = join(kept, `seed-${seed}`);
  mkdirSync(own, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(own, name), text);
  const names = files.map(({ name }) => join(own, name));
  const options = args.length > 0 ? args : ['--promise', promise];
  const quoted = [...names, ...options].map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`));
  process.stderr.write(
    `\nseed ${seed}: ${reasons.join('\n  ')}\n  again: npm run soak:verdicts -- --histories 1 --seed ${seed}\n` +
      `  look:  bin/openclaw-rl check ${quoted.join(' ')}\n`,
  );
}

function progress({ histories, operations }, wrong, powers) {
  const nowMs = performance.now();
  if (nowMs - shownMs < 2_000) return;
  shownMs = nowMs;
  const seconds = Math.round((nowMs - startedMs) / 1_000);
  const broken = powers.reduce((sum, power) => sum + (power?.histories ?? 0), 0);
  const line = `${histories} histories, ${operations} operations, ${wrong} accused or refused, ${broken} with a defect, ${seconds} s`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
}

function tableOf({ histories, operations, contested, denied, verdicts, features }, wrong) {
  if (histories === 0) return [];
  const { pass = 0, unknown = 0 } = verdicts;
  const declared = histories - wrong.length - pass - unknown;
  const date = new Date().toISOString().slice(0, 10);
  const sorted = Object.entries(features).sort(([, a], [, b]) => b - a);
  return [
    `${date}, Node ${process.version}: seeds ${flags.seed} to ${Number(flags.seed) + histories - 1}, ${operations} operations.`,
    '',
    '| histories | accused or refused | pass | unknown | declared excess | drained and denying | with judged denials |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    `| ${histories} | ${wrong.length} | ${pass} | ${unknown} | ${declared} | ${contested} | ${denied} |`,
    '',
    '*declared excess*: a clock stepped ahead, or a failure policy admitted requests by itself. The limiter truly admits',
    'more than its policy, so `total-excess <= 0` fails, by no more than the simulation gave away.',
    '',
    'Most are `unknown`, as they should be: what is wrong with the record hides a fault as well. Of 1,271 unknown ones among',
    'seeds 1 to 1500, with several reasons each, 604 have times so wide that a bucket could have admitted more than a quarter',
    'of its capacity unseen (`headroom`; many of them drained and denying), in 546 no bucket was drained while it denied, some',
    '500 are cut, and in 265 too many replies are missing. The share that passes, a seventh, is what *none was accused* rests',
    'on beside them: a limiter of which nothing can be proved is not accused either.',
    '',
    "*clock*: `one` is the recorder's; `apart` is another, and is not read; `read` is read while the run goes on; `told` is",
    'known from the decisions, which carry its times. *levels*: decisions carry the level that they left, so replay judges',
    'them. *costs*: requests cost more than one token.',
    '',
    '| in a history | histories |',
    '| --- | --- |',
    ...sorted.map(([feature, number]) => `| ${feature} | ${number} |`),
  ];
}

function powerOf(powers) {
  if (powers.length === 0) return [];
  const share = (part, { histories }) => `${((100 * part) / histories).toFixed(1)}%`;
  return [
    '',
    '## Limiters with one defect',
    '',
    '| defect | histories | convicted before | convicted now | newly convicted | no longer convicted |',
    '| --- | --- | --- | --- | --- | --- |',
    ...powers.map(
      (power) =>
        `| ${power.defect} | ${power.histories} | ${share(power.convictedBefore, power)} | ${share(power.convicted, power)} | ${power.gained} | ${power.lost.length} |`,
    ),
    '',
    '| defect | no longer convicted | verdict now | what the report says |',
    '| --- | --- | --- | --- |',
    ...powers.flatMap((power) => lostRows(power)),
  ];
}

/** Convictions lost in the same way are one row, with one seed. */
function lostRows({ defect, lost }) {
  const byReason = new Map();
  for (const { seed, verdict, before, printed } of lost) {
    const reasons = printed.length > 0 ? printed.join('; ') : `nothing; before: ${before.join('; ')}`;
    const key = `${verdict} | ${reasons.replace(/\d[\d.,]*/g, '#')}`;
    const known = byReason.get(key) ?? { seed, verdict, reasons, count: 0 };
    byReason.set(key, { ...known, count: known.count + 1 });
  }
  return [...byReason.values()]
    .sort((a, b) => b.count - a.count)
    .map(
      ({ seed, verdict, reasons, count }) =>
        `| ${defect} | ${count}, as with seed ${seed} | ${verdict} | ${reasons} |`,
    );
}
