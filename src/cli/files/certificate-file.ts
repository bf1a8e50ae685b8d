import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { certificateRecords } from '../../checker/certificates/certificate-lines.ts';
import type { Examination } from '../../checker/check.ts';
import type { History } from '../../history/history.ts';
import type { HistoryParts } from '../../history/parts/parts.ts';
import { CONTROL_PART } from '../../history/records/part.ts';
import { placeFile } from './write-file.ts';

/** The name of a run's certificate in its folder. */
export const CERTIFICATE_FILE = 'certificate.ndjson.gz';

const CHUNK_CHARACTERS = 65_536;

/** Why a run in parts has no certificate: a verifier refuses files that do not have each part whole. */
export function whyNoCertificate(
  parts: Pick<HistoryParts, 'missing' | 'cutShort'> | undefined,
): string | undefined {
  const { missing = [], cutShort = [] } = parts ?? {};
  if (missing.length + cutShort.length === 0) return undefined;
  const lacks = [
    ...missing.map((name) => `${nameOf(name)} is missing`),
    ...cutShort.map((name) => `${nameOf(name)} was cut short`),
  ];
  return `${lacks.join(', ')}; a certificate needs all parts`;
}

function nameOf(part: string): string {
  return part === CONTROL_PART ? part : `part ${part}`;
}

/** Writes the certificate of a judged history. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
export async function writeCertificate(
  path: string,
  { history, examination }: { readonly history: History; readonly examination: Examination },
  signal: AbortSignal,
): Promise<void> {
  await writeLines(path, linesOf(certificateRecords(history.operations, examination)), signal);
}

function* linesOf(records: Iterable<object>): Generator<string> {
  for (const record of records) yield `${JSON.stringify(record)}\n`;
}

/** Streams lines into a file, packed if its name ends in .gz. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
export async function writeLines(path: string, lines: Iterable<string>, signal: AbortSignal): Promise<void> {
  const hint = 'free disk space, or choose another file: --certificate <file>';
  await placeFile(path, { signal, hint }, async (unfinished) => {
    const file = createWriteStream(unfinished);
    const source = Readable.from(chunksOf(lines));
    if (path.endsWith('.gz')) await pipeline(source, createGzip(), file, { signal });
    else await pipeline(source, file, { signal });
  });
}

/** Waits between chunks, so that signals are handled. */
async function* chunksOf(lines: Iterable<string>): AsyncGenerator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (chunk !== '') yield chunk;
}
