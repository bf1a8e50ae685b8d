import { describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { createGateway } from '../../src/rating/gateway.ts';
import { createRatingService } from '../../src/rating/service.ts';
import { runCli, startCli } from '../support/cli.ts';
import { addressOf, later, type PartResult, prepareParts, REGIONS, words } from '../support/load-parts.ts';
import { freePort } from '../support/redis-server.ts';

interface Services {
  readonly folder: string;
  readonly redis: { readonly port: number };
  readonly prefix: string;
  readonly strategy: 'central' | 'article';
}

/** Starts the Rating service of a region as a user would, and a gateway that has it twice; gives its address. */
async function startPrograms(region: string, { folder, redis, prefix, strategy }: Services): Promise<string> {
  const at = ['--region', region, '--port', '0'];
  const limiter = [
    '--redis',
    redisUrl(redis),
    '--policy',
    POLICY,
    '--prefix',
    prefix,
    '--strategy',
    strategy,
  ];
  const start = (...words: string[]) => addressOf(startCli(['serve', ...words], { cwd: folder }));
  const upstream = await start('rating', ...at, ...limiter, '--evidence');
  return start('gateway', ...at, '--upstream', upstream, '--upstream', upstream);
}

/** The same in the process of the test, which a busy machine starts sooner. */
async function startHere(region: string, { redis, prefix, strategy }: Services): Promise<string> {
  const policy = parsePolicy(POLICY);
  const limiter = createLimiter({
    strategy,
    policy,
    prefix,
    redis: { urls: [redisUrl(redis)] },
  } as LimiterOptions);
  const setting = { policy: POLICY, prefix, onFailure: 'closed' };
  const rating = createRatingService({ limiter, region, setting, evidence: true });
  const upstream = await rating.listen({ host: '127.0.0.1', port: 0 });
  const gateway = createGateway({ region, upstream: [upstream, upstream] });
  onTestFinished(async () => {
    await gateway.close();
    await rating.close();
    await limiter.close();
  });
  return gateway.listen({ host: '127.0.0.1', port: 0 });
}

const POLICY = '10:5/s';
const LOAD =
  '{ mode: open, connections: 30, rate: 250, users: 12, roaming: 1, skew: 0, duration: 4s, ramp: 200ms }';
const redisUrl = ({ port }: Services['redis']) => `redis://127.0.0.1:${port}`;
const secondsSince = (ms: number) => (performance.now() - ms) / 1_000;

describe('a load through gateways that run already', { timeout: 180_000 }, () => {
  it.each([
    { strategy: 'central', expected: [0, 'pass'] },
    { strategy: 'article', expected: [1, 'fail'] },
  ] as const)(
    'is judged as one run, refused by another key prefix: $strategy',
    async ({ strategy, expected }) => {
      const { folder, redis, url } = await prepareParts({ load: LOAD });
      const began = performance.now();
      const other = await startPrograms('us-east', { folder, redis, prefix: 'mine', strategy });
      const startAt = later(Math.min(100, 10 + 12 * secondsSince(began))); // of a busy machine later
      const load = (part: string, gateway: string) => {
        const flags = ['--gateway', gateway, '--strategy', strategy, '--instances', '2', '--send', '--json'];
        return runCli([...words(part, url, startAt), ...flags], { cwd: folder });
      };
      const refused = await load('us-east', other);
      expect([refused.code, refused.stderr]).toEqual([69, expect.stringMatching(/prefix "mine", expected/)]);
      const [, prefix = ''] = /start it with --prefix (\S+) --region us-east/.exec(refused.stderr) ?? [];
      const services = { folder, redis, strategy, prefix };
      const sent = await Promise.all(
        REGIONS.map(async (part) => load(part, await startPrograms(part, services))),
      );
      const results = sent.map(({ code, stdout, stderr }): PartResult => {
        expect(code, stderr).toBe(0);
        return JSON.parse(stdout);
      });
      expect(results.map(({ problems }) => problems)).toEqual([[], [], []]);
      expect(`rate:openclaw:${results[0]?.run}`).toBe(prefix);
      const files = results.map(({ accepted = '' }) => `parts/${accepted}`);
      const claims = ['--claim', 'total-excess <= 0', '--claim', 'false-denials <= 0'];
      const judged = await runCli(['check', ...files, ...claims, '--json'], { cwd: folder });
      const { verdict, sent: all } = JSON.parse(judged.stdout);
      expect(all).toBe(results.reduce((sum, { books }) => sum + (books.sent ?? 0), 0));
      expect([judged.code, verdict], judged.stdout).toEqual(expected);
    },
  );

  it('is refused if the services are not there at the start, or not those of the plan', async () => {
    const { folder, redis, url } = await prepareParts();
    const load = async (gateway: string, startAt: string, ...more: string[]) => {
      const flags = ['--send', '--gateway', gateway, ...more];
      const { code, stderr } = await runCli([...words('us-east', url, startAt), ...flags], { cwd: folder });
      return `${code} ${stderr.slice(stderr.indexOf('error: '))}`;
    };
    const gateway = await startHere('us-east', { folder, redis, prefix: 'mine', strategy: 'article' });
    const [away, one, other, clock] = await Promise.all([
      load(`http://127.0.0.1:${await freePort()}`, later(30)),
      load(gateway, later(60)),
      load(gateway, later(), '--instances', '2'),
      load(url, later(60)),
    ]);
    expect(away).toMatch(/^69 error: the gateway at \S+ and its Rating services are not ready.*ECONNREFUSED/);
    expect(one).toContain('has 2 Rating services; the plan has 1');
    expect(other).toContain('strategy "article", expected "central"');
    expect(clock).toContain('is no gateway of openclaw-rl');
  });
});
