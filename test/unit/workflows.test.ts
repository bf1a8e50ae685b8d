import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/cli.ts';
import { type Job, waitsFor, workflowErrors, workflowOf } from '../support/workflows.ts';

const FOLDER = join(import.meta.dirname, '../../.github/workflows');
const ROOT = join(FOLDER, '../..');
const WAITED = ['tag', 'test'];
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const NPM = `#!/bin/sh
case $1 in
view) [ "$2" = "$HAS@1.2.3" ] && echo 1.2.3 || exit 1 ;;
publish) shift; echo "$*" >>published ;;
esac
`;
const files = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
const textOf = (name: string) => files.find((file) => file.name === name)?.text ?? '';

/** Of organisations that publish them for GitHub and for Docker, by a major version. */
const KNOWN = /^(?:\.\/|(?:actions|docker)\/[a-z-]+@v\d+$)/;
const usesOf = ({ uses, steps = [] }: Job) =>
  [uses, ...steps.map((step) => step.uses)].filter((name) => name);

describe.each(files)('the workflow $name', ({ text }) => {
  it('is valid', async () => {
    expect(await workflowErrors(text)).toEqual([]);
  });

  it('uses no secret, and only actions that are known', () => {
    expect(text).not.toContain('secrets.');
    const used = Object.values(workflowOf(text).jobs).flatMap(usesOf);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !KNOWN.test(name ?? ''))).toEqual([]);
  });

  it('may write nothing unless a job says so', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m);
  });
});

describe('a workflow with a mistake', () => {
  it.each([
    { mistake: 'an unknown key', from: 'runs-on:', to: 'run-on:', says: /runs-on/ },
    { mistake: 'no jobs', from: 'jobs:', to: 'job:', says: /jobs/ },
    { mistake: 'an unknown value of the matrix', from: 'matrix.node', to: 'matrix.nod', says: /"nod"/ },
    {
      mistake: 'an expression that does not end',
      from: '.ref }}',
      to: '.ref',
      says: /expression|unexpected/,
    },
    {
      mistake: 'a job that is not there',
      from: '  all:\n',
      to: '  all:\n    needs: nod\n',
      says: /unresolved job nod/,
    },
    {
      mistake: 'a script that is none',
      from: 'run: bin/setup',
      to: 'run: if bin/setup',
      says: /syntax error/,
    },
    {
      mistake: 'an expression in a script',
      from: 'run: npm test',
      to: `run: echo \${{ github.ref_name }}`,
      says: /use env/,
    },
  ])('is found: $mistake', async ({ from, to, says }) => {
    const text = textOf('ci.yml');
    expect(text).toContain(from);
    const errors = await workflowErrors(text.replace(from, to));
    expect(errors.join('\n')).toMatch(says);
  });
});

describe('a release', () => {
  const workflow = workflowOf(textOf('release.yml'));
  const jobs = Object.entries(workflow.jobs);
  const runsOf = (job: string) => (workflow.jobs[job]?.steps ?? []).flatMap(({ run }) => run ?? []);

  it('publishes only after the tests, and after the check of its tag', () => {
    const writers = jobs.filter(([, { permissions = {} }]) => /write/.test(JSON.stringify(permissions)));
    expect(writers.map(([name]) => name)).toEqual(['packages', 'image', 'page']);
    for (const [name] of writers)
      expect([...waitsFor(workflow, name)]).toEqual(expect.arrayContaining(WAITED));
  });

  it('refuses another tag than that of the version, and checks before it makes anything', () => {
    const [, check = ''] = runsOf('tag');
    const run = (tag: string) =>
      spawnSync('bash', ['-c', check], {
        ...{ cwd: ROOT, encoding: 'utf8' },
        env: { ...process.env, GITHUB_REF_NAME: tag },
      });
    expect(run('v9.9.9')).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/^error: the tag is v9\.9\.9, and package\.json says .*: expected v\d/),
    });
    expect(run(`v${version}`).stderr).not.toMatch(/the tag is/);
  });

  it.each([
    { tag: `v${version}`, has: '', published: ['openclaw-rl-limiter', 'openclaw-rl'], as: 'latest' },
    { tag: 'v0.2.0-rc.1', has: '', published: ['openclaw-rl-limiter', 'openclaw-rl'], as: 'next' },
    { tag: `v${version}`, has: 'openclaw-rl-limiter', published: ['openclaw-rl'], as: 'latest' },
  ])('publishes $published as $as, and not what is there: "$has"', ({ tag, has, published, as }) => {
    const folder = folderWithTarballs();
    const [sums = '', publish = ''] = runsOf('packages');
    expect(spawnSync('bash', ['-c', sums], { cwd: join(folder, 'artefacts') }).status).toBe(0);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, GITHUB_REF_NAME: tag, HAS: has };
    const { status, stderr } = spawnSync('bash', ['-e', '-c', publish], { cwd: folder, env });
    expect(status, `${stderr}`).toBe(0);
    const said = readFileSync(join(folder, 'published'), 'utf8').trim().split('\n');
    expect(said.toSorted()).toEqual(
      published
        .map((name) => `./artefacts/${name}-1.2.3.tgz --provenance --access public --tag ${as}`)
        .toSorted(),
    );
  });

  it.each([
    { tag: 'v1.2.3', kind: '--latest' },
    { tag: 'v1.2.3-rc.1', kind: '--prerelease' },
  ])('of $tag has a page, $kind, with the sums and each file that they are of', ({ tag, kind }) => {
    const folder = folderWithTarballs();
    const [page = ''] = runsOf('page');
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, GITHUB_REF_NAME: tag };
    const { stdout } = spawnSync('bash', ['-e', '-c', page], { cwd: folder, env, encoding: 'utf8' });
    const [named = '', ...flags] = stdout.trim().split(' --');
    expect(flags).toContain(kind.slice(2));
    const sums = readFileSync(join(folder, 'artefacts/SHA256SUMS'), 'utf8').match(/(?<= {2}).*$/gm) ?? [];
    expect(sums).toHaveLength(3);
    const files = ['SHA256SUMS', ...sums].map((name) => `artefacts/${name}`);
    expect(named.split(' ')).toEqual(['release', 'create', tag, ...files]);
  });

  it('publishes nothing that was changed on its way', () => {
    const folder = folderWithTarballs();
    writeFileSync(join(folder, 'artefacts/openclaw-rl-1.2.3.tgz'), 'another');
    const [sums = ''] = runsOf('packages');
    expect(spawnSync('bash', ['-c', sums], { cwd: join(folder, 'artefacts') }).status).toBe(1);
  });
});

/**
 * Two packages and notes with their sums; an npm that only notes what it would publish, and finds those that HAS names;
 * and a gh that prints how it is called.
 */
function folderWithTarballs(): string {
  const folder = testFolder();
  const inside = join(folder, 'artefacts');
  mkdirSync(inside);
  for (const name of ['openclaw-rl', 'openclaw-rl-limiter']) {
    mkdirSync(join(folder, 'package'), { recursive: true });
    writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ name, version: '1.2.3' }));
    spawnSync('tar', ['-czf', `artefacts/${name}-1.2.3.tgz`, 'package'], { cwd: folder });
  }
  writeFileSync(join(inside, 'release-notes.md'), 'notes');
  spawnSync('bash', ['-c', 'sha256sum *.* >SHA256SUMS'], { cwd: inside });
  writeFileSync(join(folder, 'gh'), '#!/bin/sh\necho "$*"\n', { mode: 0o755 });
  const npm = join(folder, 'npm');
  writeFileSync(npm, NPM, { mode: 0o755 });
  return folder;
}
