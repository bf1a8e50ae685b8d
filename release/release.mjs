#!/usr/bin/env node
// Makes all that is released: npm run release [-- --local] [--tag v1.2.3] [--image] [--out artefacts] [--check]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { commitOf } from './commit.mjs';
import { saveImage } from './image.mjs';
import { withLinks } from './links.mjs';
import { sectionOf } from './notes.mjs';
import { packPackages } from './pack.mjs';
import { problemsOf } from './problems.mjs';
import { repositoryOf } from './repository.mjs';
import { sbomOf } from './sbom.mjs';

const ROOT = join(import.meta.dirname, '..');
const SUMS = 'SHA256SUMS';
const NOTES = 'release-notes.md';
const MADE = /^(?:openclaw-rl-.*\.(?:tgz|tar|cdx\.json)|SHA256SUMS|release-notes\.md)$/;

const USAGE = `Usage: npm run release [-- <options> [-- <arguments of docker build>]]

Makes both packages, a list of what is in each (CycloneDX), the notes and the
sums of all. Equal commits make equal bytes: see docs/releasing.md.

  --local          also from what cannot be released: without a repository in
                   package.json, with changed files, without notes
  --tag <tag>      refuse a tag that is not that of the version
  --image          also the image, as a tar; needs Docker
  --out <folder>   where to (default: artefacts)
  --check          only say whether it can be released
  --help           this

Examples:
  $ npm run release -- --local
  $ npm run release -- --tag v0.1.0 --image

Exit status: 0 made, 1 not made, 64 wrong usage or nothing to release yet.
`;

/** Makes the artefacts of the `dist` that is there in the folder `out`. Resolves with their names. */
export async function makeArtefacts({ out, isLocal, image }) {
  const into = resolve(out);
  mkdirSync(into, { recursive: true });
  for (const name of readdirSync(into)) if (MADE.test(name)) rmSync(join(into, name));
  const { program, limiter } = await packPackages({ out: into });
  const commit = commitOf(ROOT);
  const time = commit?.time ?? new Date(0);
  for (const [tarball, type] of [
    [program, 'application'],
    [limiter, 'library'],
  ])
    writeFileSync(
      tarball.replace(/\.tgz$/, '.cdx.json'),
      `${JSON.stringify(sbomOf({ tarball, time, type }), null, 2)}\n`,
    );
  writeFileSync(join(into, NOTES), notesOf(commit, isLocal));
  if (image !== undefined) {
    const file = program.replace(/\.tgz$/, '-image.tar');
    saveImage({ tarball: program, file, tag: `openclaw-rl:${readRoot().version}`, more: image });
  }
  const names = readdirSync(into).filter((name) => MADE.test(name));
  const sums = names.sort().map((name) => `${sumOf(join(into, name))}  ${name}\n`);
  writeFileSync(join(into, SUMS), sums.join(''));
  return [...names, SUMS];
}

function notesOf(commit, isLocal) {
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const root = readRoot();
  const section = sectionOf(changelog, root.version) ?? (isLocal && sectionOf(changelog, 'Unreleased'));
  const addressOf = (path) => repositoryOf(root)?.blob(root.version, path);
  const text = withLinks(section || 'No notes.', { folder: '.', addressOf });
  const npm = execFileSync('npm', ['--version'], { encoding: 'utf8' }).trim();
  const from = commit === undefined ? 'no commit' : `commit ${commit.revision}`;
  const changed = commit?.changed.length ? `, with ${commit.changed.length} changed files,` : '';
  return `${text}\n\nMade of ${from}${changed} by Node ${process.version} and npm ${npm}.\n`;
}

const readRoot = () => JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const sumOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

function readOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...{ local: { type: 'boolean', default: false }, image: { type: 'boolean', default: false } },
        ...{ check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
        ...{ tag: { type: 'string' }, out: { type: 'string', default: 'artefacts' } },
      },
    });
  } catch (error) {
    fail(`${error.message}\n  see: npm run release -- --help`, 64);
  }
}

function fail(message, code) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(code);
}

async function main() {
  const { values, positionals } = readOptions();
  if (values.help) return process.stdout.write(USAGE);
  if (positionals.length > 0 && !values.image)
    fail(`${positionals[0]}: only docker build takes it: --image`, 64);
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const facts = { root: readRoot(), changelog, commit: commitOf(ROOT) };
  const problems = problemsOf(facts, { tag: values.tag, isLocal: values.local });
  if (problems.length > 0) fail(problems.join('\nerror: '), 64);
  if (values.check) return process.stdout.write(`${facts.root.version} can be released\n`);
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  const image = values.image ? positionals : undefined;
  const names = await makeArtefacts({ out: values.out, isLocal: values.local, image });
  for (const name of names) process.stdout.write(`${join(values.out, basename(name))}\n`);
}

if (process.argv[1] === import.meta.filename) await main();
