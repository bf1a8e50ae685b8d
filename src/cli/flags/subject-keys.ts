import { resolve } from 'node:path';
import { invalidOption, type OpenclawError } from '../../core/errors.ts';
import { readTextFile } from '../files/read-file.ts';
import type { Environment } from '../process/environment.ts';

const MOST_KEYS = 1_000_000;
const LONGEST_KEY = 4_096;

/**
 * Reads real subjects, one a line. They are sent, and never written: all output uses their positions. Throws
 * INVALID_OPTION with the number of a wrong line, never with its text.
 */
export async function readSubjectKeys(
  file: string,
  { cwd }: Pick<Environment, 'cwd'>,
): Promise<readonly string[]> {
  const lines = await readLines(resolve(cwd, file), file);
  if (lines.length === 0) throw wrong(file, 'the file has no keys; expected one a line');
  if (lines.length > MOST_KEYS)
    throw wrong(file, `expected at most ${MOST_KEYS} keys; found ${lines.length} lines`);
  const firstLine = new Map<string, number>();
  for (const [index, key] of lines.entries()) {
    const line = index + 1;
    const where = `${file}:${line}`;
    if (key === '') throw wrong(where, 'the line is empty; expected a key');
    if (key.length > LONGEST_KEY)
      throw wrong(where, `expected at most ${LONGEST_KEY} characters; the key has ${key.length}`);
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(key))
      throw wrong(where, 'expected printable ASCII characters, without a blank at either end');
    const earlier = firstLine.get(key);
    if (earlier !== undefined)
      throw wrong(where, `the key is the same as in line ${earlier}; expected each key once`);
    firstLine.set(key, line);
  }
  return lines;
}

async function readLines(path: string, file: string): Promise<readonly string[]> {
  const text = await readTextFile(path).catch((error: Error) => {
    throw wrong(file, error.message);
  });
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function wrong(where: string, what: string): OpenclawError {
  return invalidOption(`--subjects ${where}: ${what}`, 'write one key a line, each once');
}
