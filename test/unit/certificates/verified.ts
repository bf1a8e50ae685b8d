import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';

const PROCESS = join(import.meta.dirname, 'verifier-process.mjs');
/** Runs of one process, which keeps what each has read. */
const MOST_RUNS = 50;

/** What the verifier counts, and the buckets that it refuses with the reasons: the last of each, and all. */
export interface Verified {
  readonly counts: Readonly<Record<string, number>>;
  readonly refused: ReadonlyMap<string, string>;
  readonly refusals: readonly (readonly [bucket: string, reason: string])[];
  readonly exitCode: number;
}

/**
 * Runs `verify/verify.mjs` on a certificate and its history, as files. A certificate without an end gets one that counts its
 * records.
 */
export function verify(
  records: readonly HistoryRecord[],
  certificate: readonly CertificateRecord[],
): Promise<Verified> {
  return verifyFiles([records], certificate);
}

/** The same of a history in several files. */
export function verifyFiles(
  files: readonly (readonly HistoryRecord[])[],
  certificate: readonly CertificateRecord[],
): Promise<Verified> {
  return verifyTexts(
    files.map((records) => records.map(encodeRecord).join('')),
    certificateText(files.flat(), certificate),
  );
}

/** The text of a certificate, which then has an end. */
export function certificateText(
  records: readonly HistoryRecord[],
  certificate: readonly CertificateRecord[],
): string {
  const isEnded = certificate.some(({ type }) => type === 'end');
  const all = isEnded ? certificate : [...certificate, endOf(records, certificate)];
  return all.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** The same of texts, as they are. */
export async function verifyTexts(
  files: readonly (string | Uint8Array)[],
  certificate: string,
): Promise<Verified> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  try {
    const certificateFile = join(folder, 'certificate.ndjson');
    const historyFiles = files.map((_, number) => join(folder, `${number}.ndjson`));
    for (const [number, file] of historyFiles.entries()) writeFileSync(file, files[number] ?? '');
    writeFileSync(certificateFile, certificate);
    const { stdout, exitCode } = await runVerifier([certificateFile, ...historyFiles]);
    const lines = stdout.trimEnd().split('\n');
    const refusals = lines.flatMap((line) => {
      const [, bucket, reason] = /^refused: (.*?): (.*)$/.exec(line) ?? [];
      return bucket === undefined || reason === undefined ? [] : [[bucket, reason] as const];
    });
    return { counts: JSON.parse(lines.at(-1) ?? '{}'), refused: new Map(refusals), refusals, exitCode };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The end that fits these records, if all of them hold. */
function endOf(
  records: readonly HistoryRecord[],
  certificate: readonly CertificateRecord[],
): CertificateRecord {
  const operations = records.filter((record) => record.type === 'op');
  const names = operations.flatMap((operation) => operation.charges ?? [operation]);
  const keyOf = ({ bucket, policy }: { bucket: string; policy?: string | undefined }) =>
    `${bucket} ${policy}`;
  const counts = { proved: 0, admissionsProved: 0, withinBound: 0 };
  const accused = new Set<string>();
  for (const record of certificate)
    if (record.type === 'proof' || record.type === 'group')
      counts[record.proves === 'all' ? 'proved' : 'admissionsProved'] +=
        record.type === 'group' ? record.members.length : 1;
    else if ('bucket' in record) accused.add(keyOf(record));
  const buckets = new Set(names.map(keyOf)).size;
  const open = buckets - counts.proved - counts.admissionsProved - accused.size;
  return { type: 'end', buckets, ...counts, convicted: accused.size, open };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

let last: Promise<unknown> = Promise.resolve();
let verifier: ChildProcess | undefined;
let runs = 0;

/** One run after the other: what the verifier prints is that of its process. */
function runVerifier(args: readonly string[]): Promise<Ended> {
  const ended = last.then(async () => {
    if (runs++ % MOST_RUNS === 0) verifier?.disconnect();
    verifier = verifier?.connected ? verifier : startVerifier();
    verifier.send(args);
    const [answer] = (await once(verifier, 'message')) as [Ended];
    const { exitCode, stdout, stderr } = answer;
    if (exitCode !== 0 && (exitCode !== 1 || stdout === ''))
      throw new Error(`exit code ${exitCode}: ${stderr}`);
    return answer;
  });
  last = ended.catch(() => {});
  return ended;
}

/** Ends with this process, which does not wait for it. */
function startVerifier(): ChildProcess {
  const child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.unref();
  child.channel?.unref();
  return child;
}
