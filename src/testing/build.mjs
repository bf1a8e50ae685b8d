// Makes dist/testing/index.cjs of this folder: one file with all that it imports, which `require` loads, as in Jest, and
// `import` too: so there is one copy in a process, and it loads in a third of the time. Beside it the entry for Jest, and
// types for CommonJS.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
const OUT = join(ROOT, 'dist/testing');
const EXPORTS = ['matchers', 'recordTakes'];

const write = (name, lines) => writeFileSync(join(OUT, name), `${lines.join('\n')}\n`);

/** The licences of the packages that are copied into the bundle. */
function licencesOf(inputs) {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const file = readdirSync(join(ROOT, folder)).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${folder.replace(/^.*node_modules\//, '')}: ${readFileSync(join(ROOT, folder, file), 'utf8').trim()}`;
  });
}

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
const licences = licencesOf(Object.keys(metafile.inputs)).join('\n\n');
if (licences.includes('*/')) throw new Error('a licence would end the comment that it is in');
write('index.cjs', [`/* With:\n\n${licences}\n*/`, outputFiles[0].text.trim()]);
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
