import { realpathSync } from 'node:fs';
import { delimiter, join, relative, sep } from 'node:path';

const NAME = 'openclaw-rl';
const COMMANDS = [
  ...['bench', 'chaos', 'run', 'load', 'manifests', 'check', 'gate', 'verify'],
  ...['report', 'runs', 'compare', 'matrix', 'scoreboard', 'hunt', 'up', 'status', 'down', 'doctor'],
  ...['form', 'fault', 'inspect', 'homes', 'serve', 'toxiproxy', 'completion'],
];
const COMMAND = new RegExp(`\\bopenclaw-rl (?=(?:${COMMANDS.join('|')})\\b)`, 'g');

/**
 * How to call the program in `file` from a folder: by its name if `path`, a PATH, has it; by npx if npm installed it
 * for a project, and its name is on the PATH of npm's children only; else by its path.
 */
export function findProgram(
  file: string,
  { folder, path = '' }: { readonly folder: string; readonly path?: string | undefined },
): string {
  const own = realPathOf(file);
  const lasting = path.split(delimiter).filter((part) => !isOfProject(part));
  if (lasting.some((part) => realPathOf(join(part, NAME)) === own)) return NAME;
  if (isOfProject(file)) return `npx ${NAME}`;
  const near = relative(folder, file);
  if (near.startsWith(join('..', '..'))) return file;
  return near.includes('/') ? near : `./${near}`;
}

/** Also where npx keeps what it runs: in `_npx/<hash>/node_modules`. */
const isOfProject = (path: string) => path.split(sep).includes('node_modules');

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
