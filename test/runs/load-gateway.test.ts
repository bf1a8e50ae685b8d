import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { ENDPOINT } from '../../src/rating/endpoint.ts';
import { createGateway } from '../../src/rating/gateway.ts';
import { createRatingService } from '../../src/rating/service.ts';
import { runCli, startCli } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { addressOf, later, type PartResult, prepareParts, REGIONS, words } from '../support/load-parts.ts';

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

/** The same in the process of the test, which a busy machine starts sooner. `said`: what the service says of itself. */
async function startHere(
  region: string,
  { redis, prefix, strategy, policy = POLICY }: Services & { readonly policy?: string },
) {
  const limiter = createLimiter({
    strategy,
    policy: parsePolicy(policy),
    prefix,
    redis: { urls: [redisUrl(redis)] },
  } as LimiterOptions);
  const said = { policy, prefix, onFailure: 'closed' };
  const rating = createRatingService({ limiter, region, setting: said, evidence: true });
  const upstream = await rating.listen({ host: '127.0.0.1', port: 0 });
  const gateway = createGateway({ region, upstream: [upstream, upstream] });
  onTestFinished(async () => {
    await gateway.close();
    await rating.close();
    await limiter.close();
  });
  return { url: await gateway.listen({ host: '127.0.0.1', port: 0 }), limiter, said };
}

const POLICY = '10:5/s';
const LOAD =
  '{ mode: open, connections: 30, rate: 250, users: 12, roaming: 1, skew: 0, duration: 4s, ramp: 200ms }';
const redisUrl = ({ port }: Services['redis']) => `redis://127.0.0.1:${port}`;
const secondsSince = (ms: number) => (performance.now() - ms) / 1_000;

/** A minute gives back one token, so that buckets that are spent before the load stay so. */
const SLOW = '10:1/min';

/**
 * A load whose services have another key prefix than their run, and say that they have its own. Before it, each user has
 * spent this many tokens.
 */
async function judgedWithForeignBuckets(spent: number) {
  const began = performance.now();
  const { folder, redis, url } = await prepareParts();
  const nodes = [{ name: 'only', region: 'us-east', address: `127.0.0.1:${redis.port}` }];
  writeFileSync(join(folder, 'e.yaml'), JSON.stringify({ kind: 'single', regions: ['us-east'], nodes }));
  const load = '{ mode: closed, connections: 4, users: 3, roaming: 1, skew: 0, duration: 2s, ramp: 0s }';
  writeFileSync(
    join(folder, 's.yaml'),
    `# Parts.\npolicy: ${SLOW}\nload: ${load}\nclaims: [total-excess <= 0]\n`,
  );
  const services = { folder, redis, prefix: 'mine', strategy: 'central', policy: SLOW } as const;
  const { limiter, said, ...gateway } = await startHere('us-east', services);
  const startAt = later(Math.min(100, 40 + 12 * secondsSince(began)));
  const flags = ['--gateway', gateway.url, '--instances', '2', '--out', 'part.ndjson', '--json'];
  const send = () => runCli([...words('us-east', url, startAt), ...flags], { cwd: folder });
  const refused = await send();
  expect(refused.code, refused.stderr).toBe(69);
  [, said.prefix = ''] = /prefix "mine", expected "([^"]+)"/.exec(refused.stderr) ?? [];
  const spend = (user: string) => limiter.take({ user, endpoint: ENDPOINT }, { cost: spent });
  if (spent > 0) await Promise.all(['u1', 'u2', 'u3'].map(spend));
  const sent = await send();
  expect(sent.code, sent.stderr).toBe(0);
  const claims = ['--claim', 'total-excess <= 0', '--claim', 'false-denials <= 0'];
  const { code, stdout } = await runCli(['check', 'part.ndjson', ...claims, '--json'], { cwd: folder });
  const { overAdmission, falseDenials } = JSON.parse(stdout);
  return { code, excess: overAdmission.total, isDenied: falseDenials.total > 0 };
}

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
      const claims = ['total-excess <= 0', 'false-denials <= 0', 'headroom <= 50%'] // a busy machine answers late
        .flatMap((claim) => ['--claim', claim]);
      const judged = await runCli(['check', ...files, ...claims, '--json'], { cwd: folder });
      const { verdict, sent: all } = JSON.parse(judged.stdout);
      expect(all).toBe(results.reduce((sum, { books }) => sum + (books.sent ?? 0), 0));
      expect([judged.code, verdict], judged.stdout).toEqual(expected);
    },
  );

  it('would accuse a correct limiter of denials, if buckets with another key prefix were let through', async () => {
    const [full, empty] = await Promise.all([judgedWithForeignBuckets(0), judgedWithForeignBuckets(10)]);
    expect(full).toEqual({ code: 0, excess: 0, isDenied: false });
    expect(empty).toEqual({ code: 1, excess: 0, isDenied: true });
  });

  it('is refused if the services are not there at the start, or not those of the plan', async () => {
    const { folder, redis, url } = await prepareParts();
    const load = async (gateway: string, startAt: string, ...more: string[]) => {
      const flags = ['--send', '--gateway', gateway, ...more];
      const { code, stderr } = await runCli([...words('us-east', url, startAt), ...flags], { cwd: folder });
      return `${code} ${stderr.slice(stderr.indexOf('error: '))}`;
    };
    const { url: gateway } = await startHere('us-east', {
      folder,
      redis,
      prefix: 'mine',
      strategy: 'article',
    });
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
