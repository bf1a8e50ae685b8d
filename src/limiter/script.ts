import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One Lua script of the `lua/` folder: its source and the SHA-1 that EVALSHA knows it by. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Reads `lua/<name>.lua` of this package. */
export function loadScript(name: string): Script {
  const source = readFileSync(new URL(`../../lua/${name}.lua`, import.meta.url), 'utf8');
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}
