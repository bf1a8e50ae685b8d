// Makes dist/testing/index.cjs of this folder: one file with all that it imports, which `require` loads, as in Jest, and
// `import` too: so there is one copy in a process, and it loads in a third of the time. Beside it the entry for Jest, and
// types for CommonJS.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licenceComment } from '../../release/licences.mjs';

const ROOT = join(import.meta.dirname, '../..');
const OUT = join(ROOT, 'dist/testing');
const EXPORTS = ['matchers', 'recordTakes'];

const write = (name, lines) => writeFileSync(join(OUT, name), `${lines.join('\n')}\n`);

const { outputFiles, metafile } = await build({
  entryPoints: ['dist/testing/index.js'],
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  metafile: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  charset: 'ascii',
});
write('index.cjs', [licenceComment(Object.keys(metafile.inputs)), outputFiles[0].text.trim()]);
write('index.js', [
  // An import of it would first be searched for the names of its exports, which takes longer than to load it.
  `import { createRequire } from 'node:module';`,
  `export const { ${EXPORTS.join(', ')} } = createRequire(import.meta.url)('./index.cjs');`,
]);
write('jest.cjs', [
  `'use strict';`,
  `require('@jest/globals').expect.extend(require('./index.cjs').matchers);`,
]);

/** A CommonJS module names the mode of each type that it takes from an ES module. */
const mode = `with: { 'resolution-mode': 'import' }`;
const typeOf = (name) => `typeof import('./index.js', { ${mode} }).${name}`;
write('index.d.cts', [
  `export type * from './index.js' ${mode.replace(':', '')};`,
  ...EXPORTS.map((name) => `export declare const ${name}: ${typeOf(name)};`),
]);
write('jest.d.cts', [`export type * from './jest.js' ${mode.replace(':', '')};`]);
