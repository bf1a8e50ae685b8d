import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One Lua script of the `lua/` folder: its source and the SHA-1 that EVALSHA knows it by. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Reads `lua/<name>.lua` of this package, with the files of `lua/shared/` that it includes in their places. */
export function loadScript(name: string): Script {
  const source = read(`${name}.lua`).replace(INCLUDE, (_, file: string) => read(file));
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

const INCLUDE = /^-- include (shared\/[a-z-]+\.lua)$/gm;

function read(file: string): string {
  return readFileSync(new URL(`../../lua/${file}`, import.meta.url), 'utf8');
}
