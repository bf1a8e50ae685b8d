#!/usr/bin/env node
// The build arguments of compose/Dockerfile, one a line: what the labels of the image say.   node release/image.mjs
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitOf } from './commit.mjs';
import { repositoryOf } from './repository.mjs';

const ROOT = join(import.meta.dirname, '..');

/** Empty is what is not known: a revision where files differ from their commit, a source without a repository. */
export function imageArguments() {
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const commit = commitOf(ROOT);
  return {
    VERSION: root.version,
    REVISION: commit?.changed.length === 0 ? commit.revision : '',
    SOURCE:
      repositoryOf(root)
        ?.url.replace(/^git\+/, '')
        .replace(/\.git$/, '') ?? '',
  };
}

/**
 * Builds the image of the package in this tarball, with the versions of package-lock.json, and saves it as a tar.
 * `more` are arguments of `docker build`.
 */
export function saveImage({ tarball, tag, file, more }) {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-image-'));
  const docker = (...args) => execFileSync('docker', args, { stdio: ['ignore', 2, 2] });
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    const context = join(folder, 'package');
    cpSync(join(ROOT, 'package-lock.json'), join(context, 'package-lock.json'));
    const labels = Object.entries(imageArguments()).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]);
    docker('build', '-t', tag, '-f', join(context, 'compose/Dockerfile'), ...labels, ...more, context);
    docker('save', '-o', file, tag);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, value] of Object.entries(imageArguments())) process.stdout.write(`${name}=${value}\n`);
}
