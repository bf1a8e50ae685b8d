import { realpathSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';

const NAME = 'openclaw-rl';
const COMMANDS = [
  ...['bench', 'chaos', 'run', 'load', 'manifests', 'check', 'gate', 'verify'],
  ...['report', 'runs', 'compare', 'matrix', 'up', 'status', 'down', 'doctor'],
  ...['form', 'fault', 'inspect', 'homes', 'serve', 'toxiproxy', 'completion'],
];
const COMMAND = new RegExp(`\\bopenclaw-rl (?=(?:${COMMANDS.join('|')})\\b)`, 'g');

/** How to call the program in `file` from a folder: by its name if `path`, a PATH, has it, else by its path. */
export function findProgram(
  file: string,
  { folder, path = '' }: { readonly folder: string; readonly path?: string | undefined },
): string {
  const own = realPathOf(file);
  if (path.split(delimiter).some((part) => realPathOf(join(part, NAME)) === own)) return NAME;
  const near = relative(folder, file);
  if (near.startsWith(join('..', '..'))) return file;
  return near.includes('/') ? near : `./${near}`;
}

function realPathOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** The text with the program in its hints named as it was called. */
export function asCalled(text: string, program: string): string {
  return program === NAME ? text : text.replaceAll(COMMAND, () => `${program} `);
}
