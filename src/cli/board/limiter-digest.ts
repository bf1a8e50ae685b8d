import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, parse as partsOf, resolve } from 'node:path';
import { parse } from 'yaml';
import { isLimiterFile } from '../../core/plugin-name.ts';
import { readTextFile } from '../files/read-file.ts';

/**
 * A digest of the code of a limiter: of its module and those beside it that this imports, or of its command, of the files
 * that the command names and of those beside them that their text names. What it says about itself is left out, so that a
 * better sentence does not measure it again.
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
  const texts = new Map<string, string>();
  for (const word of ours) await addNamed(resolve(dirname(file), word), texts);
  return [JSON.stringify(described), ...texts.values()];
}

/** Adds a file, and those beside it whose name, with or without its ending, is a word of the text. */
async function addNamed(path: string, texts: Map<string, string>): Promise<void> {
  if (texts.has(path)) return;
  const text = await textOf(path);
  texts.set(path, text);
  if (text === '') return;
  const words = new Set(text.match(/[\w.-]+/g));
  const beside = await readdir(dirname(path));
  for (const name of beside.toSorted())
    if (name !== basename(path) && (words.has(name) || words.has(partsOf(name).name)))
      await addNamed(resolve(dirname(path), name), texts);
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

/** '' of a word that is no file, and of a file that is too long. */
function textOf(path: string): Promise<string> {
  return readTextFile(path).catch(() => '');
}
