import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { imageArguments, saveImage } from '../../release/image.mjs';
import { runCli, runProgram, startProgram, testFolder } from '../support/cli.ts';
import { dockerLack, imageVariables, withDocker } from '../support/docker.ts';
import { ROOT } from '../support/readme.ts';

/** Few users who ask often: their buckets are drained on any machine. */
const LOAD = '--policy 8:2/s --rate 100 --connections 300 --users 12 --skew 0'.split(' ');
const BENCH = ['bench', ...LOAD, '--duration', '4'];
const UNPRIVILEGED = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const READ_ONLY = ['--read-only', '--tmpfs', '/tmp'];
const FIXTURES = join(import.meta.dirname, '../fixtures');
const WAIT = { timeout: 60_000, interval: 100 };

/** What names the images that the image is made of, where they are stand-ins: arguments of `docker build`. */
function standIns(): readonly string[] {
  const name = 'openclaw-rl-stand-in';
  if (docker('images', '--quiet', `${name}/node`) === '') return [];
  const bases = ['--build-arg', `BASE_IMAGE=${name}/debian`, '--build-arg', `NODE_IMAGE=${name}/node`];
  return ['--network=host', ...bases];
}

/** As in the page on logs. */
const NGINX = '--from access-log --key api_key --end msec --duration request_time --unit s --status status'
  .split(' ')
  .concat('--policy', '20:5/s');

const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const image = () => imageVariables().OPENCLAW_RL_IMAGE ?? 'openclaw-rl';
const run = (options: readonly string[], ...args: string[]) =>
  runProgram('docker', ['run', '--rm', ...options, image(), ...args], {});

/** A name for a container or a volume, which is removed when the test is over. */
function named(remove: readonly string[]): string {
  const name = `openclaw-rl-test-${randomBytes(4).toString('hex')}`;
  onTestFinished(() => {
    docker(...remove, '--force', name);
  });
  return name;
}

/** Starts a container, and stops it once it has said `sign`. */
async function stopOnce(sign: RegExp, ...args: string[]) {
  const name = named(['rm', '--volumes']);
  const { output, ended } = startProgram('docker', ['run', '--name', name, image(), ...args], {});
  const isRunning = () => docker('ps', '--quiet', '--filter', `name=${name}`) !== '';
  await vi.waitUntil(() => sign.test(output.stderr) && isRunning(), WAIT);
  docker('stop', '--time', '60', name); // some 2 s, and more than the usual 10 on a machine with ten times its work
  const code = await ended; // 137 if the grace time was not enough
  const clusters = docker('diff', name).match(/^A \/tmp\/openclaw-rl\/clusters\/.*/gm) ?? [];
  return { code, ...output, clusters };
}

describe.skipIf(dockerLack !== undefined)(`our image: ${withDocker}`, { timeout: 120_000 }, () => {
  beforeAll(() => void imageVariables(), 360_000); // a new machine makes its images first: no part of what is tested

  it('benches to a verdict as any user, without capabilities and on a read-only file system', async () => {
    const reports = named(['volume', 'rm']);
    const options = ['--user', '4711', ...UNPRIVILEGED, ...READ_ONLY, '--volume', `${reports}:/work/reports`];
    const { code, stdout, stderr } = await run(options, ...BENCH, '--certificate');
    expect([0, 2], `${stdout}${stderr}`).toContain(code); // a busy machine drains few buckets
    expect(stdout).toMatch(/^verdict {2}(pass|unknown)\n[\s\S]*\nkept in {2}\/work\/reports\/\S+-bench-1\n$/);
    const verified = await run(options, 'verify');
    expect(verified.code, verified.stdout).toBe(0);
  });

  it('says where else reports can be, where it cannot write', async () => {
    const options = [...UNPRIVILEGED, ...READ_ONLY];
    const doctor = await run(options, 'doctor');
    expect(doctor.code, doctor.stdout).toBe(0);
    expect(doctor.stdout).toMatch(/cannot write to \/work\/reports: EROFS.*\n.*--reports/);
    expect(doctor.stdout).toMatch(/redis-server .*redis 8/);
    const bench = await run(options, ...BENCH);
    expect([bench.code, bench.stderr]).toEqual([
      69,
      expect.stringMatching(/--reports, .* \[ENVIRONMENT_FAILED\]/),
    ]);
  });

  it.each([
    { moment: 'while it starts', sign: /^/, says: '' },
    { moment: 'during the load', sign: / load +1\/\d/, says: 'kept in' },
  ])('ends by `docker stop` $moment, and ends what it has started', async ({ sign, says }) => {
    const { code, stdout, clusters } = await stopOnce(sign, ...BENCH, '--duration', '60');
    expect([code, clusters, stdout]).toEqual([143, [], expect.stringContaining(says)]);
  });

  it('hands on the exit code of a verdict and of wrong usage', async () => {
    const history = join(FIXTURES, 'article.ndjson.gz');
    const failed = await run(
      ['--volume', `${history}:/work/article.ndjson.gz:ro`],
      'check',
      'article.ndjson.gz',
    );
    expect([failed.code, failed.stdout], failed.stderr).toEqual([
      1,
      expect.stringMatching(/^verdict {2}fail\n/),
    ]);
    expect((await run([], 'bench', '--durations', '4')).code).toBe(64);
  });

  it.each([
    { what: 'a history', file: join(FIXTURES, 'article.ndjson.gz'), how: [] },
    { what: 'a log', file: join(ROOT, 'docs/examples/nginx-access.log.gz'), how: NGINX },
  ])('judges $what from standard input as the program does from a file', async ({ file, how }) => {
    const args = ['run', '--rm', '--interactive', image(), 'check', '-', ...how];
    const { status, stdout, stderr } = spawnSync('docker', args, { input: readFileSync(file) });
    const here = await runCli(['check', file, ...how]);
    expect(status, `${stderr}`).toBe(here.code);
    const verdictOf = (text: string) => /^verdict {2}.*\n(?: {2}.*\n)*/.exec(text)?.[0];
    expect(verdictOf(`${stdout}`)).toBe(verdictOf(here.stdout));
    expect(verdictOf(here.stdout)).toMatch(/^verdict {2}(pass|fail)\n/);
  });

  it('has the library for plug-ins', async () => {
    const plugin = "import { createLimiter } from 'openclaw-rl'; console.log(typeof createLimiter)";
    const { stdout, stderr } = await run(['--entrypoint', 'node'], '--input-type=module', '--eval', plugin);
    expect(stdout, stderr).toBe('function\n');
  });

  it('is redis-server, too; its user is not root, and npm is not in it', async () => {
    const has = 'id -u; redis-server --version; command -v npm || echo none';
    const { stdout } = await run(['--entrypoint', 'sh'], '-c', has);
    expect(stdout).toMatch(/^1000\nRedis server v=\d[^\n]*\nnone\n$/);
  });

  it('says what it is, of which commit, and runs the Node of the image that was named', () => {
    const [made] = JSON.parse(docker('image', 'inspect', image()));
    const { license, version, description } = readPackage();
    expect(labelsOf(made.Config)).toEqual({
      title: 'openclaw-rl',
      description,
      licenses: license,
      version,
      source: imageArguments().SOURCE,
      revision: expect.stringMatching(/^([0-9a-f]{40})?$/),
    });
    if (standIns().length > 0)
      expect(docker('run', '--rm', '--entrypoint', 'node', image(), '--version')).toBe(process.version);
  });

  it('has the size that the page names', () => {
    const { Size: bytes } = JSON.parse(docker('image', 'inspect', image()))[0];
    const page = readFileSync(join(ROOT, 'docs/containers.md'), 'utf8');
    const said = Number(/\| size \| (\d+) MB/.exec(page)?.[1]);
    expect(bytes / 1e6 / said).toBeGreaterThan(0.9);
    expect(bytes / 1e6 / said).toBeLessThan(1.1);
  });

  it('is made of the package that is released, and saved as a tar', { timeout: 300_000 }, async () => {
    const folder = testFolder();
    await runProgram('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
    const tag = `openclaw-rl-test:${randomBytes(4).toString('hex')}`;
    onTestFinished(() => void docker('image', 'rm', tag));
    const file = join(folder, 'image.tar');
    const tarball = join(folder, `openclaw-rl-${readPackage().version}.tgz`);
    saveImage({ tarball, tag, file, more: ['--quiet', ...standIns()] });
    const read = (name: string) =>
      JSON.parse(execFileSync('tar', ['-xOf', file, name], { encoding: 'utf8' }));
    const [{ Config: name, RepoTags: tags }] = read('manifest.json');
    expect(tags).toEqual([tag]);
    const { config } = read(name);
    expect([config.User, labelsOf(config).version]).toEqual(['node', readPackage().version]);
    expect(docker('run', '--rm', tag, '--version')).toBe(readPackage().version);
  });
});

const readPackage = () => JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The labels of the Open Container Initiative by their short names. */
function labelsOf({ Labels: labels }: { readonly Labels: Record<string, string> }) {
  const prefix = 'org.opencontainers.image.';
  const own = Object.entries(labels).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}
