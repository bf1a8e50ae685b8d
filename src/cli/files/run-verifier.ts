import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { CertificateEnd } from '../../checker/certificates/certificate-lines.ts';
import { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { VerifierCounts } from '../../report/verification.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { linesOfFile } from './lines-of-file.ts';

/** A program of its own, without code of the checker. */
const VERIFIER = resolve(import.meta.dirname, '../../../verify/verify.mjs');

/** What is kept of its refusals, and of its complaint. */
const MOST_REFUSALS = 20;
const MOST_CHARACTERS = 65_536;

/** The last record of a certificate. Throws INVALID_CERTIFICATE if there is none. */
export async function readCertificateEnd(path: string): Promise<CertificateEnd> {
  let [first, last] = ['', ''];
  try {
    for await (const line of linesOfFile(path)) {
      if (first === '') first = line;
      if (line !== '') last = line;
    }
    const { format, version } = JSON.parse(first);
    if (format === 'openclaw-history') throw isHistory(path);
    if (format !== 'openclaw-certificate') throw new Error('it is no certificate');
    if (version !== 1) throw new Error(`expected version 1; found ${version}`);
    return endOf(JSON.parse(last));
  } catch (error) {
    throw invalidCertificate(path, error);
  }
}

function endOf(record: CertificateEnd & { readonly type?: unknown }): CertificateEnd {
  const { type, buckets, proved, admissionsProved, withinBound, convicted, open } = record;
  const end = { buckets, proved, admissionsProved, withinBound, convicted, open };
  if (type !== 'end' || !Object.values(end).every(Number.isSafeInteger)) throw new Error('it has no end');
  return end;
}

function isHistory(path: string): OpenclawError {
  const hint = `name the file that was written by: openclaw-rl check ${quotedForShell(printable(path))} --certificate <file>`;
  return new OpenclawError('INVALID_CERTIFICATE', `${printable(path)}: it is a history, and no certificate`, {
    hint,
  });
}

function invalidCertificate(path: string, error: unknown): OpenclawError {
  if (error instanceof OpenclawError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT'
      ? 'there is no such file'
      : error instanceof SyntaxError
        ? 'it is no certificate'
        : message;
  return new OpenclawError('INVALID_CERTIFICATE', `${printable(path)}: ${why}`);
}

export interface VerifierRun {
  readonly verified: VerifierCounts;
  readonly refusals: readonly string[];
}

/**
 * Runs the verifier on a certificate and the files of its history. Throws INVALID_CERTIFICATE or INVALID_HISTORY if it cannot
 * read one of them, and INTERRUPTED.
 */
export async function runVerifier(
  certificate: string,
  history: readonly string[],
  signal: AbortSignal,
): Promise<VerifierRun> {
  const child = spawn(process.execPath, [HEAP, VERIFIER, certificate, ...history], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'close').catch(() => [null]);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MOST_CHARACTERS);
  });
  const refusals: string[] = [];
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (refusals.length < MOST_REFUSALS && line.startsWith(REFUSED))
      refusals.push(line.slice(REFUSED.length));
  }
  const [code] = await ended;
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted while verifying');
  if ((code === 0 || code === 1) && last.startsWith('{')) return { verified: JSON.parse(last), refusals };
  throw unreadable({ certificate, history, complaint, code });
}

const REFUSED = 'refused: ';

/** The verifier holds the history in objects: more than the default of Node.js has room for. */
const HEAP = '--max-old-space-size=16384';

/** What the verifier says with this exit code is one line, which begins with the file if only one is wrong. */
const UNREADABLE = 64;

function unreadable({
  certificate,
  history,
  complaint,
  code,
}: {
  readonly certificate: string;
  readonly history: readonly string[];
  readonly complaint: string;
  readonly code: unknown;
}): OpenclawError {
  const why = code === UNREADABLE ? complaint.trim() : `the verifier ended with exit code ${code}`;
  if (why.startsWith(`${certificate}:`)) return new OpenclawError('INVALID_CERTIFICATE', printable(why));
  const isNamed = history.some((path) => why.startsWith(`${path}:`));
  const files = isNamed ? '' : `${history.join(', ')}: `;
  return new OpenclawError('INVALID_HISTORY', printable(`${files}${why}`), {
    hint: 'a certificate is verified with the whole history of which it was written',
  });
}
