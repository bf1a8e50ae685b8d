// Prints the installed versions of the packages that it is given, in one line: `redis-gcra 0.3.0, ioredis 6.0.0`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const names = process.argv.slice(2);
process.stdout.write(`${names.map((name) => `${name} ${versionOf(name)}`).join(', ')}\n`);

/** Of the nearest node_modules, as Node.js resolves it. */
function versionOf(name) {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
  }
  throw new Error(`${name} is not installed: npm ci`);
}
