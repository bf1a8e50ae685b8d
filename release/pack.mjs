#!/usr/bin/env node
// Makes the tarballs of both packages: node release/pack.mjs [--out artefacts]
//
// openclaw-rl is the root as `npm pack` has it. openclaw-rl-limiter is what its entry points load of the same build.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closureOf } from './closure.mjs';
import { COPIED, limiterManifest, refuseOthers } from './limiter/manifest.mjs';
import { limiterPages } from './limiter/pages.mjs';
import { repositoryOf } from './repository.mjs';
import { withCopied } from './vendored.mjs';

const ROOT = join(import.meta.dirname, '..');

/** Packs the `dist` that is there into the folder `out`. Resolves with the paths of the tarballs. */
export async function packPackages({ out }) {
  const into = resolve(out);
  mkdirSync(into, { recursive: true });
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-pack-'));
  try {
    await writeLimiter(root, folder);
    return { program: packFolder(ROOT, into), limiter: packFolder(folder, into) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without scripts: `prepack` would build again, under the feet of what uses `dist`. */
function packFolder(folder, into) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', into];
  const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8' }));
  return join(into, filename);
}

/** Writes what is in the package openclaw-rl-limiter. */
async function writeLimiter(root, folder) {
  const { files, importers } = await closureOf(root.exports);
  const manifest = limiterManifest(root);
  refuseOthers(importers, manifest);
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  for (const name of COPIED)
    for (const file of importers.get(name) ?? [])
      writeFileSync(join(folder, file), await withCopied(file, COPIED));
  cpSync(join(ROOT, 'lua'), join(folder, 'lua'), { recursive: true });
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const repository = repositoryOf(root);
  const addressOf = (path) => repository?.blob(root.version, path);
  for (const [page, text] of limiterPages({ exports: root.exports, addressOf })) {
    mkdirSync(dirname(join(folder, page)), { recursive: true });
    writeFileSync(join(folder, page), text);
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: 'artefacts' } } });
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  const { program, limiter } = await packPackages(values);
  process.stdout.write(`${program}\n${limiter}\n`);
}
