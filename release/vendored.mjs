// Packages that are copied into the files which import them.
import { join } from 'node:path';
import { build } from 'esbuild';
import { licenceComment } from './licences.mjs';

const ROOT = join(import.meta.dirname, '..');

/** CommonJS packages that are copied in load modules of Node by it. */
const REQUIRE = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);`;

/** The code of a file of `dist` with these packages copied in, and their licences above; all other imports stay. */
export async function withCopied(file, packages) {
  const { outputFiles, metafile } = await build({
    entryPoints: [file],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    charset: 'utf8',
    banner: { js: REQUIRE },
    plugins: [keepAllBut(packages)],
  });
  return `${licenceComment(Object.keys(metafile.inputs))}\n${outputFiles[0].text}`;
}

/** A plug-in of esbuild: leaves the imports of our file as they are, but those of `packages`. */
function keepAllBut(packages) {
  return {
    name: 'keep-imports',
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ path, kind, importer }) => {
        const isOurs = !importer.includes('/node_modules/');
        if (kind === 'entry-point' || !isOurs || packages.includes(path)) return undefined;
        return { path, external: true };
      });
    },
  };
}
