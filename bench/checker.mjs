// Measures the checker's speed and memory: npm run bench:checker [-- --quick]
// The same for histories that are hard for it: npm run bench:checker -- --shapes [--most 1000000] [--only words]
//
// Operations are those of an exact bucket under 1.8 times its refill, in time order, each from 4 ms before its decision
// to 4 ms after. Every measurement runs in its own process and counts processor time, with that of the collector's
// threads, so that other work on the machine does not count. The fastest of three rounds is shown.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeDenials } from '../dist/checker/proofs/false-denial.js';
import { bucketLevel } from '../dist/checker/proofs/lowest-level.js';
import { findOverAdmission } from '../dist/checker/proofs/over-admission.js';
import { BucketRows } from '../dist/checker/rows/bucket-rows.js';
import { HistoryBuilder } from '../dist/history/columns/builder.js';
import { HistoryReader } from '../dist/history/reader.js';
import { encodeRecord } from '../dist/history/records/codec.js';
import { SHAPES } from './checker-shapes.mjs';
import { startMeasured, writeLines } from './measured-program.mjs';
import { header, operations, policy, recordsOf } from './steady-operations.mjs';

const ROUNDS = 3;
const LINES_AT_ONCE = 100_000;
const NO_LAG = { epsilonUs: 0, rhoPpm: 0, slowPpm: 0, backwardUs: 0, spreadUs: 0 };
const KNOWN = {
  ...{ initial: 'full', knownFromUs: 0 },
  ...{ judgedFromUs: Number.NEGATIVE_INFINITY, judgedUntilUs: Number.POSITIVE_INFINITY },
};
const levelOf = () => bucketLevel(policy, { clock: NO_LAG, known: KNOWN, fades: false });

/** Processor time of this process; other work on the machine does not count. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Seconds of the proofs of over-admission and of false denials, over all buckets. */
function judge(history) {
  const { operations: table } = history;
  const startMs = cpuMs();
  const rows = new BucketRows(table);
  let found = 0;
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    rows.load(bucket);
    found += findOverAdmission(rows, policy, NO_LAG).drops.length;
    found += judgeDenials(rows, KNOWN, { levelOf, mostQuanta: policy.capacityQuanta }).denials.length;
  }
  if (found > 0) throw new Error(`an exact bucket was accused ${found} times`);
  return (cpuMs() - startMs) / 1_000;
}

const peakMiB = () => process.resourceUsage().maxRSS / 1_024;

/** In memory: grouping and judging the columns. Memory is the peak of the whole process. */
function measureMemory({ count, buckets, decisions }) {
  const baseMiB = peakMiB();
  const builder = new HistoryBuilder();
  builder.startFile('bench');
  builder.add(header);
  for (const operation of operations(count, buckets, decisions)) builder.add(operation);
  builder.endFile();
  const startMs = cpuMs();
  const history = builder.build();
  const groupS = (cpuMs() - startMs) / 1_000;
  const firstS = judge(history);
  const peak = peakMiB(); // before the rounds that follow: what they leave to the collector is not the checker's
  const seconds = Math.min(firstS, ...Array.from({ length: ROUNDS - 1 }, () => judge(history)));
  return {
    perS: count / seconds,
    perSWithGrouping: count / (seconds + groupS),
    peakMiB: peak,
    bytes: ((peak - baseMiB) * 1_048_576) / count,
  };
}

/** From NDJSON: reading, grouping and judging, against JSON.parse of the same lines. */
function measureText({ count, buckets, decisions }) {
  const reader = new HistoryReader();
  reader.startFile('bench');
  reader.push(new TextEncoder().encode(encodeRecord(header)));
  let [readMs, parseMs, bytes] = [0, 0, 0];
  let lines = [];
  const flush = () => {
    const chunk = new TextEncoder().encode(lines.join(''));
    bytes += chunk.length;
    let startMs = cpuMs();
    for (let at = 0; at < chunk.length; at += 1_048_576) reader.push(chunk.subarray(at, at + 1_048_576));
    readMs += cpuMs() - startMs;
    startMs = cpuMs();
    let sum = 0;
    for (const line of lines) sum += JSON.parse(line).index;
    parseMs += cpuMs() - startMs;
    lines = [];
    return sum;
  };
  for (const operation of operations(count, buckets, decisions)) {
    if (lines.push(encodeRecord(operation)) === LINES_AT_ONCE) flush();
  }
  flush();
  reader.endFile();
  const startMs = cpuMs();
  const history = reader.finish();
  const groupS = (cpuMs() - startMs) / 1_000;
  const seconds = readMs / 1_000 + groupS + judge(history);
  return { perS: count / seconds, ratio: parseMs / 1_000 / seconds, bytesPerLine: bytes / count };
}

const startCheck = (args) =>
  startMeasured([new URL('../dist/cli/main.js', import.meta.url).pathname, 'check', ...args]);

/** All of `openclaw-rl check -`, replay, evidence and report included, through its standard input. */
async function measureCommand({ count, buckets, decisions }) {
  const { stdin, ended } = startCheck(['-']);
  await writeLines(stdin, recordsOf({ count, buckets, decisions }));
  const { code, ...used } = await ended;
  if (code !== 0) throw new Error(`an exact bucket was judged with exit code ${code}`);
  return used;
}

/** `check file --json` of each shape, up to ten million operations or `most`. */
async function measureShapes({ most, only }) {
  process.stdout.write(
    '| shape | operations | processor s | peak MiB | exit code |\n| --- | --- | --- | --- | --- |\n',
  );
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-shapes-'));
  const file = join(folder, 'history.ndjson');
  try {
    for (const { name, args = [], lines, most: mostOfShape } of SHAPES) {
      if (!name.includes(only)) continue;
      for (const count of [1e5, 1e6, 1e7].filter((one) => one <= Math.min(most, mostOfShape))) {
        const stream = createWriteStream(file);
        const written = once(stream, 'close');
        await writeLines(stream, lines(count));
        await written;
        const { code, seconds, peakMiB: peak } = await startCheck([file, '--json', ...args]).ended;
        process.stdout.write(
          `| ${[name, count, seconds?.toFixed(1) ?? '-', peak?.toFixed(0) ?? '-', code].join(' | ')} |\n`,
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const MEASURES = { memory: measureMemory, text: measureText, command: measureCommand };

function inProcess(what, how) {
  const args = [
    '--max-old-space-size=400',
    import.meta.filename ?? process.argv[1],
    '--one',
    JSON.stringify({ what, how }),
  ];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

async function main() {
  const { values } = parseArgs({
    options: {
      one: { type: 'string' },
      quick: { type: 'boolean', default: false },
      shapes: { type: 'boolean', default: false },
      most: { type: 'string', default: '1e7' },
      only: { type: 'string', default: '' },
    },
  });
  if (values.shapes) {
    await measureShapes({ most: Number(values.most), only: values.only });
    return;
  }
  if (values.one !== undefined) {
    const { what, how } = JSON.parse(values.one);
    process.stdout.write(JSON.stringify(await MEASURES[what](how)));
    return;
  }
  const counts = values.quick ? [300_000, 1_000_000] : [1_000_000, 3_000_000, 10_000_000];
  const million = (value) => (value / 1e6).toFixed(2);
  process.stdout.write(
    `| operations | buckets | levels | M/s in memory | with grouping | M/s from NDJSON | of JSON.parse | peak MiB | bytes/op |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n`,
  );
  for (const [buckets, decisions] of [
    [1_000, false],
    [1, false],
    [1_000, true],
    [1, true],
  ]) {
    const speeds = counts.map((count) => {
      const how = { count, buckets, decisions };
      const memory = inProcess('memory', how);
      const text = inProcess('text', how);
      process.stdout.write(
        `| ${[count, buckets, decisions ? 'yes' : 'no', million(memory.perS), million(memory.perSWithGrouping), million(text.perS), text.ratio.toFixed(2), memory.peakMiB.toFixed(0), memory.bytes.toFixed(0)].join(' | ')} |\n`,
      );
      return { count, seconds: count / memory.perS };
    });
    const [first, last] = [speeds[0], speeds.at(-1)];
    const exponent = Math.log(last.seconds / first.seconds) / Math.log(last.count / first.count);
    process.stdout.write(
      `\ngrowth exponent over ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}: ${exponent.toFixed(2)}\n\n`,
    );
  }
  process.stdout.write(
    '| check - | buckets | levels | peak MiB | processor s |\n| --- | --- | --- | --- | --- |\n',
  );
  for (const buckets of [1_000, 1]) {
    const count = counts.at(-1);
    const { peakMiB: peak, seconds } = inProcess('command', { count, buckets, decisions: true });
    process.stdout.write(`| ${[count, buckets, 'yes', peak.toFixed(0), seconds.toFixed(0)].join(' | ')} |\n`);
  }
}

await main();
