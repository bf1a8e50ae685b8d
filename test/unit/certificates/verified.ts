import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';

const VERIFIER = join(import.meta.dirname, '../../../verify/verify.mjs');
const run = promisify(execFile);

/** What the verifier counts, and the buckets that it refuses with the reasons: the last of each, and all. */
export interface Verified {
  readonly counts: Readonly<Record<string, number>>;
  readonly refused: ReadonlyMap<string, string>;
  readonly refusals: readonly (readonly [bucket: string, reason: string])[];
  readonly exitCode: number;
}

/** Runs `verify/verify.mjs` on a certificate and its history, as files. */
export function verify(
  records: readonly HistoryRecord[],
  certificate: readonly CertificateRecord[],
): Promise<Verified> {
  return verifyFiles([records], certificate);
}

/** The same of a history in several files. */
export async function verifyFiles(
  files: readonly (readonly HistoryRecord[])[],
  certificate: readonly CertificateRecord[],
): Promise<Verified> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  try {
    const certificateFile = join(folder, 'certificate.ndjson');
    const historyFiles = files.map((_, number) => join(folder, `${number}.ndjson`));
    for (const [number, file] of historyFiles.entries())
      writeFileSync(file, (files[number] ?? []).map(encodeRecord).join(''));
    writeFileSync(certificateFile, certificate.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const { stdout, exitCode } = await spawned([VERIFIER, certificateFile, ...historyFiles]);
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

async function spawned(args: readonly string[]): Promise<{ stdout: string; exitCode: number }> {
  try {
    const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 28 });
    return { stdout, exitCode: 0 };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    if (code !== 1 || stdout === '') throw new Error(stderr);
    return { stdout, exitCode: code };
  }
}
