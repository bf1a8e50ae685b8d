// What the entry points of a package load: by esbuild its code, by the compiler its types.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** The files that `exports` of a package.json names, by kind. */
function entryPoints(exports) {
  const files = JSON.stringify(Object.values(exports)).match(/(?<=")\.\/dist\/[^"]+/g);
  const all = [...new Set(files)].map((file) => file.slice(2));
  const isTypes = (file) => /\.d\.[cm]?ts$/.test(file);
  return { code: all.filter((file) => !isTypes(file)), types: all.filter(isTypes) };
}

/**
 * The files of `dist` that the entry points need, as paths from the root, and the packages that the code imports, with
 * the files that do. Modules of Node are no packages.
 */
export async function closureOf(exports) {
  const entries = entryPoints(exports);
  const { metafile } = await build({
    entryPoints: entries.code.map((file, index) => ({ in: file, out: `${index}` })),
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outdir: 'dist',
    ignoreAnnotations: true, // a file without side effects is loaded, too
    logLevel: 'error',
  });
  const importers = new Map();
  for (const [file, { imports }] of Object.entries(metafile.inputs))
    for (const { path, external } of imports)
      if (external && !path.startsWith('node:')) importers.set(path, [...(importers.get(path) ?? []), file]);
  const files = new Set([...Object.keys(metafile.inputs), ...typeFiles(entries.types)]);
  return { files: [...files].sort(), importers };
}

/** The declarations of `dist` that the compiler reads for these. */
function typeFiles(entries) {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-closure-'));
  try {
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', noEmit: true },
      ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
    };
    const files = entries.map((file) => join(ROOT, file));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const listed = execFileSync(process.execPath, [tsc, '--project', folder, '--listFilesOnly'], {
      encoding: 'utf8',
    });
    return listed
      .split('\n')
      .map((file) => relative(ROOT, file))
      .filter((file) => file.startsWith('dist/'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
