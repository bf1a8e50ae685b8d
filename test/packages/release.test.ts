import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { problemsOf } from '../../release/problems.mjs';
import { runProgram, testFolder } from '../support/cli.ts';
import { emptyConsumer } from '../support/consumer.ts';
import { ROOT } from '../support/readme.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  readonly properties: readonly { readonly name: string }[];
}

interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { version } = root;
const PROGRAM = `openclaw-rl-${version}`;
const LIMITER = `openclaw-rl-limiter-${version}`;

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-release-'));
const [here, elsewhere] = [join(folder, 'here'), join(folder, 'elsewhere')];
const textOf = (name: string, of = here) => readFileSync(join(of, name), 'utf8');
const bomOf = (name: string): Bom => JSON.parse(textOf(`${name}.cdx.json`));

/** Makes the artefacts of the `dist` in a copy of this repository. */
async function make(of: string, out: string): Promise<void> {
  const script = `await (await import('./release/release.mjs')).makeArtefacts({ out: ${JSON.stringify(out)}, isLocal: true })`;
  await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: of });
}

/** The files of the work tree in another folder, at the same commit, with the packages that are installed here. */
function copyTo(copy: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const files = git('ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z').split(
    '\0',
  );
  for (const file of files.filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file), { force: true });
  }
  writeFileSync(join(copy, '.git'), `gitdir: ${git('rev-parse', '--absolute-git-dir')}`);
  // As links where that is possible: it is 30,000 files.
  const copied = ['-al', '-a'].some(
    (how) => spawnSync('cp', [how, join(ROOT, 'node_modules'), copy]).status === 0,
  );
  if (!copied) throw new Error('node_modules could not be copied');
}

describe('what is released', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    const copy = join(folder, 'a copy of the repository');
    copyTo(copy);
    await run('npm', ['run', '--silent', 'build'], { cwd: copy });
    await make(ROOT, here);
    await make(copy, elsewhere);
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }), 120_000);

  it('is equal, byte for byte, where it is built in another folder and later', () => {
    const sums = textOf('SHA256SUMS');
    expect(textOf('SHA256SUMS', elsewhere)).toBe(sums);
    const names = [`${PROGRAM}.cdx.json`, `${PROGRAM}.tgz`, `${LIMITER}.cdx.json`, `${LIMITER}.tgz`];
    expect(sums.match(/(?<= {2}).*$/gm)).toEqual([...names, 'release-notes.md']);
  });

  it('has sums that sha256sum finds right, and wrong once a byte has changed', async () => {
    const check = () =>
      runProgram('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: here });
    expect(await check()).toMatchObject({ code: 0, stdout: '' });
    const notes = textOf('release-notes.md');
    writeFileSync(join(here, 'release-notes.md'), `${notes}.`);
    expect((await check()).code).toBe(1);
    writeFileSync(join(here, 'release-notes.md'), notes);
  });

  it('has the packages that are packed', () => {
    const { program, limiter } = inject('packed');
    for (const [name, packed] of [
      [PROGRAM, program],
      [LIMITER, limiter],
    ] as const)
      expect(readFileSync(join(here, `${name}.tgz`)).equals(readFileSync(packed))).toBe(true);
  });

  it('has notes of the changelog, with the commit', () => {
    const revision = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
    const notes = textOf('release-notes.md');
    expect(notes).toMatch(/^### Added\n/m);
    expect(notes).not.toMatch(/\]\((?!https:)/); // they are read elsewhere
    expect(notes).not.toMatch(/^## /m);
    expect(notes).toMatch(
      new RegExp(`\nMade of commit ${revision}.* by Node ${process.version} and npm \\d`),
    );
  });

  it.each([PROGRAM, LIMITER])('has a valid list of what is in %s', async (name) => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
    expect(await validator.validate(textOf(`${name}.cdx.json`))).toBe(null);
    const wrong = textOf(`${name}.cdx.json`).replace('"type": "library"', '"type": "libraries"');
    expect(await validator.validate(wrong)).not.toBe(null);
    const { components, dependencies, metadata } = bomOf(name);
    const known = [metadata.component, ...components].map((component) => component['bom-ref']);
    expect(dependencies.map(({ ref }) => ref).toSorted()).toEqual(known.toSorted());
    expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !known.includes(ref))).toEqual(
      [],
    );
  });

  it.each([
    { name: PROGRAM, type: 'openclaw-rl', copied: ['uplot'] },
    { name: LIMITER, type: 'openclaw-rl-limiter', copied: ['fastest-levenshtein', 'fastify-plugin'] },
  ])('lists for $type all that npm installs, and what is copied into it', async ({ name, type, copied }) => {
    const consumer = emptyConsumer(join(folder, type));
    await consumer.install(join(here, `${name}.tgz`), '--package-lock-only'); // what it would be, without the files
    const lock = JSON.parse(readFileSync(join(consumer.folder, 'package-lock.json'), 'utf8'));
    const places = Object.keys(lock.packages).filter((path) => path !== '');
    const installed = places.map((path) => path.replace(/^.*node_modules\//, ''));
    const { components, metadata } = bomOf(name);
    const isCopied = ({ properties }: Component) =>
      properties.some((one) => one.name === 'openclaw-rl:copied');
    const needed = components.filter((component) => !isCopied(component)).map((component) => component.name);
    expect(new Set([...needed, metadata.component.name])).toEqual(new Set(installed));
    expect(components.filter(isCopied).map((component) => component.name)).toEqual(
      expect.arrayContaining(copied),
    );
  });

  it('has lists with the time of the commit', () => {
    const seconds = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' });
    for (const { metadata } of [bomOf(PROGRAM), bomOf(LIMITER)])
      expect(Date.parse(metadata.timestamp)).toBe(1_000 * Number(seconds));
    expect(bomOf(PROGRAM).serialNumber).not.toBe(bomOf(LIMITER).serialNumber);
  });
});

describe('a release', () => {
  const repository = { type: 'git', url: 'git+https://github.com/owner/openclaw-rl.git' };
  const sound = {
    root: { ...root, repository },
    changelog: `# Changelog\n\n## [${version}] - 2026-12-24\n\n### Added\n`,
    commit: { changed: [] as string[] },
  };

  it('is made where nothing is missing', () => {
    expect(problemsOf(sound, { isLocal: false, tag: `v${version}` })).toEqual([]);
  });

  it.each([
    {
      title: 'another tag',
      facts: {},
      tag: 'v9.9.9',
      says: `the tag is v9.9.9, and package.json says ${version}: expected v${version}`,
    },
    {
      title: 'a changed file',
      facts: { commit: { changed: [' M a.ts', '?? b c.ts'] } },
      says: 'files differ from their commit; commit them: a.ts, b c.ts',
    },
    {
      title: 'no commit',
      facts: { commit: undefined },
      says: 'this is no clone of a repository of git, so there is no commit to release',
    },
    {
      title: 'no section of the changelog',
      facts: { changelog: '# Changelog\n\n## [Unreleased]\n' },
      says: `CHANGELOG.md has no section of this version; expected a heading: ## [${version}] - <date>`,
    },
  ])('is refused for $title', ({ facts, tag, says }) => {
    const options = { isLocal: false, ...(tag !== undefined && { tag }) };
    expect(problemsOf({ ...sound, ...facts }, options)).toEqual([says]);
    expect(problemsOf({ ...sound, ...facts }, { ...options, isLocal: true })).toEqual(tag ? [says] : []);
  });

  it('is refused without a repository, in one sentence whose command sets it', async () => {
    const { repository: _unset, ...without } = root;
    const [sentence = '', ...others] = problemsOf({ ...sound, root: without }, { isLocal: false });
    expect(others).toEqual([]);
    const [, command = ''] = /: (npm pkg set .*)$/.exec(sentence) ?? [];
    const project = testFolder();
    const file = join(project, 'package.json');
    writeFileSync(file, JSON.stringify(without));
    const [npm = '', ...args] = command.split(' ');
    expect((await runProgram(npm, args, { cwd: project })).code).toBe(0);
    const set = JSON.parse(readFileSync(file, 'utf8'));
    expect(problemsOf({ ...sound, root: set }, { isLocal: false })).toEqual([]);
  });
});
