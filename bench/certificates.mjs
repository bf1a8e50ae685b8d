// Measures certificates: npm run bench:certificates [-- --operations 1000000]
//
// The history is that of `bench:checker`, as a file of NDJSON with and without recorded levels. Every measurement runs in
// its own process and counts processor time, with that of the collector's threads, so that other work on the machine does
// not count. The check without proofs and that with them take turns; the fastest of three rounds is shown.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Certificates } from '../dist/checker/certificates/certificates.js';
import { examineHistory } from '../dist/checker/check.js';
import { writeCertificate } from '../dist/cli/files/certificate-file.js';
import { readHistory } from '../dist/cli/files/read-history.js';
import { HistoryReader } from '../dist/history/reader.js';
import { startMeasured, writeLines } from './measured-program.mjs';
import { recordsOf } from './steady-operations.mjs';

const ROUNDS = 3;
const HEAP = '--max-old-space-size=16384';
const VERIFIER = new URL('../verify/verify.mjs', import.meta.url).pathname;
const signal = new AbortController().signal;

function cpuS() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Reads and judges a history, with or without proofs; writes its certificate if `certificate` names a file. */
async function measureCheck({ file, proofs, certificate }) {
  if (!proofs) Certificates.prototype.prove = () => {};
  const startS = cpuS();
  const history = await readHistory([file], new HistoryReader(), {
    ...{ stdin: () => process.stdin, signal },
    onProgress: () => {},
  });
  const readS = cpuS() - startS;
  const examination = examineHistory(history, { busiest: [] });
  const judgedS = cpuS() - startS;
  if (certificate !== undefined) await writeCertificate(certificate, { history, examination }, signal);
  return {
    ...{ judgeS: judgedS - readS, checkS: judgedS, writeS: cpuS() - startS - judgedS },
    ...{ proofs: examination.report.proofs, peakMiB: process.resourceUsage().maxRSS / 1_024 },
  };
}

function inProcess(how) {
  const args = [HEAP, import.meta.filename ?? process.argv[1], '--one', JSON.stringify(how)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const fastest = (rounds, figure) => Math.min(...rounds.map((round) => round[figure]));

async function measure({ count, buckets, decisions }, folder) {
  const [file, certificate] = [join(folder, 'history.ndjson'), join(folder, 'certificate.ndjson.gz')];
  const stream = createWriteStream(file);
  const written = once(stream, 'close');
  await writeLines(stream, recordsOf({ count, buckets, decisions }));
  await written;
  const [plain, proving] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(inProcess({ file, proofs: false }));
    proving.push(inProcess({ file, proofs: true }));
  }
  const made = inProcess({ file, proofs: true, certificate });
  const verified = await startMeasured([HEAP, VERIFIER, certificate, file], { stdout: 'pipe' }).ended;
  if (verified.code !== 0) throw new Error(`the verifier ended with ${verified.code}: ${verified.output}`);
  const counts = JSON.parse(verified.output);
  if (counts.proved !== made.proofs.proved) throw new Error(`the verifier counts ${verified.output}`);
  const ratio = (figure) => (fastest(proving, figure) / fastest(plain, figure)).toFixed(2);
  return [
    ...[count, buckets, decisions ? 'yes' : 'no', `${counts.proved} of ${counts.buckets}`],
    ...[(statSync(certificate).size / count).toFixed(2), fastest(plain, 'judgeS').toFixed(1)],
    ...[fastest(proving, 'judgeS').toFixed(1), ratio('judgeS'), ratio('checkS'), made.writeS.toFixed(1)],
    ...[made.peakMiB.toFixed(0), verified.seconds.toFixed(1), verified.peakMiB.toFixed(0)],
  ];
}

const HEAD = [
  ...['operations', 'buckets', 'levels', 'proved', 'bytes/op, packed', 'judge s', 'with proofs s', 'ratio'],
  ...['ratio with reading', 'write s', 'peak MiB', 'verify s', 'its peak MiB'],
];

async function main() {
  const { values } = parseArgs({
    options: { one: { type: 'string' }, operations: { type: 'string', default: '1e7' } },
  });
  if (values.one !== undefined) {
    process.stdout.write(JSON.stringify(await measureCheck(JSON.parse(values.one))));
    return;
  }
  const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
  row(HEAD);
  row(HEAD.map(() => '---'));
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-certificates-'));
  try {
    for (const decisions of [true, false])
      for (const buckets of [1_000, 1])
        row(await measure({ count: Number(values.operations), buckets, decisions }, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
