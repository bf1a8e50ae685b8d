import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadScript } from '../../../src/limiter/redis/script.ts';
import { IN_HOLDER, IN_SCRIPT, type Rule } from './lease-rules.ts';
import { type Altered, replacedOnce } from './patches.ts';

const PACKAGE = join(import.meta.dirname, '../../..');
const BUNDLE = 'dist/bundle/process';

/** Rules of the lease protocol that a copy of the program can do without; the others are of what a process reads. */
export const ALTERABLE: readonly Rule[] = [
  ...(Object.keys(IN_SCRIPT) as (keyof typeof IN_SCRIPT)[]).filter((rule) => rule !== 'takenBackAfterMargin'), // needs a slow clock
  ...IN_HOLDER,
  'grantsAreAcked',
];

/**
 * Copies the built program into a folder, without a rule of the lease protocol, with other texts in its scripts, or as it is,
 * and returns the file that starts it.
 * Every run of the copy has the keys of a simulation, so that users are on the same primaries.
 */
export function alteredProgram(folder: string, without: Rule | Altered | undefined): string {
  for (const part of ['bin', 'lua', 'dist', 'package.json'])
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  symlinkSync(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
  inBundle(folder, /(?<=DEFAULT_PREFIX\}:)\$\{basename\(folder\)\}/g, 'simulated');
  if (without !== undefined && typeof without !== 'string') inScriptsOf(folder, without);
  else if (without !== undefined && without in IN_SCRIPT)
    inScriptsOf(folder, { scripts: ['lease'], changes: [IN_SCRIPT[without as keyof typeof IN_SCRIPT]] });
  else if (without !== undefined && without !== 'grantsAreAcked')
    inBundle(folder, new RegExp(`(?<=\\b${without}: ?)(!0|true)`, 'g'), 'false');
  mkdirSync(join(folder, 'runs'));
  return join(folder, 'bin/openclaw-rl');
}

/** Throws if a text is not in each script exactly once. */
function inScriptsOf(folder: string, { scripts, changes }: Altered): void {
  for (const name of scripts)
    writeFileSync(join(folder, `lua/${name}.lua`), changes.reduce(replacedOnce, loadScript(name).source));
}

/** Replaces a text of the bundle. Throws if it is not there exactly once. */
function inBundle(folder: string, text: RegExp, by: string): void {
  let times = 0;
  for (const name of readdirSync(join(folder, BUNDLE)).filter((file) => file.endsWith('.js'))) {
    const file = join(folder, BUNDLE, name);
    const source = readFileSync(file, 'utf8');
    times += source.match(text)?.length ?? 0;
    if (text.test(source)) writeFileSync(file, source.replace(text, by));
    text.lastIndex = 0;
  }
  if (times !== 1) throw new Error(`the program has ${times} times: ${text.source}`);
}
