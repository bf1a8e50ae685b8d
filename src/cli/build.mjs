// Makes dist/bundle of this folder: the program with its packages in a few files, which starts in half the time.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licencesOf } from '../../release/licences.mjs';

const ROOT = join(import.meta.dirname, '../..');

// As deep as the modules that they replace, and called as these: code reads files at addresses relative to its own.
const OUT = 'dist/bundle/process';
const PROGRAMS = [
  'main',
  'threads/command-thread',
  'threads/judge-thread',
  'threads/hunt-thread',
  'process/load-process',
];

/** What CommonJS packages expect. Modules of ours may import `createRequire` themselves. */
const COMMONJS = `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url), { dirname: __dirname, filename: __filename } = import.meta;`;

const {
  metafile: { inputs, outputs },
} = await build({
  entryPoints: PROGRAMS.map((name) => `dist/cli/${name}.js`),
  entryNames: '[name]',
  absWorkingDir: ROOT,
  outdir: OUT,
  bundle: true,
  splitting: true, // each command loads its own code only
  metafile: true,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true, // errors are known by the names of their classes
  legalComments: 'none',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  banner: { js: COMMONJS },
});

// Its names are properties of `default` in a bundle: `const { stringify } = await import('yaml')` has none.
for (const [file, { imports }] of Object.entries(inputs))
  for (const { kind, path } of imports)
    if (file.startsWith('dist/') && kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
      throw new Error(
        `${file} has import('${path}'), which is CommonJS: import a module that imports its names`,
      );

// `keepNames` names a function by a call each time it is made, which was a twelfth of a simulation's time. Arrow functions
// are made often, and no code asks for their names.
const NAMES = '__name=(target,value)=>';
const [namesIn, ...others] = Object.keys(outputs).filter((file) => readOutput(file).includes(NAMES));
if (namesIn === undefined || others.length > 0) throw new Error('the code of keepNames was not found once');
writeFileSync(
  join(ROOT, namesIn),
  readOutput(namesIn).replace(NAMES, `${NAMES}target.prototype===void 0?target:`),
);

function readOutput(file) {
  return readFileSync(join(ROOT, file), 'utf8');
}

writeFileSync(join(ROOT, OUT, 'licences.txt'), `${licencesOf(Object.keys(inputs)).join('\n\n\n')}\n`);
