import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runProgram, startProgram } from '../support/cli.ts';
import { dockerLack, imageVariables, withDocker } from '../support/docker.ts';

/** Few users who ask often: their buckets are drained on any machine. */
const BENCH = ['bench', '--connections', '40', '--users', '12', '--skew', '0', '--duration', '4'];
const UNPRIVILEGED = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const READ_ONLY = ['--read-only', '--tmpfs', '/tmp'];
const WAIT = { timeout: 60_000, interval: 100 };

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
      expect.stringMatching(/--reports \[ENVIRONMENT_FAILED\]/),
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
    const history = join(import.meta.dirname, '../fixtures/article.ndjson.gz');
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
});
