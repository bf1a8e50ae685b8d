import { realpathSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';

const NAME = 'openclaw-rl';
const COMMAND =
  /\bopenclaw-rl (?=(?:bench|chaos|run|check|gate|report|runs|compare|matrix|up|status|down|doctor|fault|inspect|serve|toxiproxy|completion)\b)/g;

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
