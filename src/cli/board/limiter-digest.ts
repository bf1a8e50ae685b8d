import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { isLimiterFile } from '../../core/plugin-name.ts';

/**
 * A digest of the code of a limiter: of its module, or of its command and of the files that the command names. What it
 * says about itself is left out, so that a better sentence does not measure it again. What these files import is not
 * looked at.
 */
export async function limiterDigest(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const hash = createHash('sha256');
  if (!isLimiterFile(file)) return hash.update(text.replace(ABOUT, '')).digest('hex');
  const { about: _, ...described } = (parse(text) ?? {}) as Record<string, unknown>;
  hash.update(JSON.stringify(described));
  for (const word of wordsOf(described))
    hash.update(await readFile(resolve(dirname(file), word)).catch(() => ''));
  return hash.digest('hex');
}

const ABOUT = /^export const about = \{.*?^\};$/ms;

function wordsOf({ command }: Record<string, unknown>): string[] {
  const words = Array.isArray(command) ? command.map(String) : [];
  return words.filter((word) => !word.startsWith('/')); // a program of the system
}
