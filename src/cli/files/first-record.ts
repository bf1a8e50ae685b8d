import { linesOfFile } from './lines-of-file.ts';

/** What says what a file of records is. */
export interface FirstRecord {
  readonly format?: unknown;
  readonly strategy?: unknown;
}

const MOST_BYTES = 1_048_576;

/** The first record of a regular file; an empty one if it has none. */
export async function firstRecord(path: string): Promise<FirstRecord> {
  try {
    for await (const line of linesOfFile(path, { end: MOST_BYTES })) return Object(JSON.parse(line));
  } catch {
    // not readable, not packed or not JSON: a file of something else
  }
  return {};
}

/** What a regular file is, if that is a history or a certificate: it may be given where the other, or a run, is expected. */
export async function recordsIn(path: string): Promise<'history' | 'certificate' | undefined> {
  const { format } = await firstRecord(path);
  if (format === 'openclaw-history') return 'history';
  return format === 'openclaw-certificate' ? 'certificate' : undefined;
}
