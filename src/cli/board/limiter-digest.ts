import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { isLimiterFile } from '../../core/plugin-name.ts';

/**
 * A digest of the code of a limiter: of its module and those beside it that this imports, or of its command and of the
 * files that the command names. What it says about itself is left out, so that a better sentence does not measure it again.
 * What a program imports is not looked at.
 */
export async function limiterDigest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for (const text of isLimiterFile(file) ? await textsOfProgram(file) : await textsOfModule(file))
    hash.update(text);
  return hash.digest('hex');
}

async function textsOfProgram(file: string): Promise<string[]> {
  const { about: _, ...described } = (parse(await readFile(file, 'utf8')) ?? {}) as Record<string, unknown>;
  const { command } = described;
  const words = Array.isArray(command) ? command.map(String) : [];
  const ours = words.filter((word) => !word.startsWith('/')); // others are programs of the system
  const files = ours.map((word) => textOf(resolve(dirname(file), word)));
  return [JSON.stringify(described), ...(await Promise.all(files))];
}

/** Each module once. */
async function textsOfModule(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = (await textOf(file)).replace(ABOUT, '');
  const texts = [text];
  for (const [, path = ''] of text.matchAll(RELATIVE))
    texts.push(...(await textsOfModule(resolve(dirname(file), path), seen)));
  return texts;
}

const ABOUT = /^export const about = \{.*?^\};$/ms;
const RELATIVE = /\b(?:from|import)\s*\(?['"](\.{1,2}\/[^'"]+)['"]/g;

/** '' of a word that is no file. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
