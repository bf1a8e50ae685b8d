import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli, startCli, untilSaid } from '../support/cli.ts';
import { later, type PartResult, prepareParts, words } from '../support/load-parts.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';

/** No request is dropped, and both buckets are contested, however slow the machine is. */
const LOAD = '{ mode: closed, connections: 4, users: 2, roaming: 1, skew: 0, duration: 20s, ramp: 200ms }';

describe('a machine that is cut off from Redis during the load', { timeout: 180_000 }, () => {
  it('records its part without a problem: nothing is accused, and nothing is doubted', async () => {
    const { folder, redis, url } = await prepareParts({ load: LOAD });
    const proxy = await startRedisProxy(redis.port);
    onTestFinished(() => proxy.close());
    const nodes = [{ name: 'only', region: 'us-east', address: `127.0.0.1:${proxy.port}` }];
    writeFileSync(join(folder, 'e.yaml'), JSON.stringify({ kind: 'single', regions: ['us-east'], nodes }));
    const part = [...words('us-east', url, later()), '--out', 'cut.ndjson', '--json'];
    const load = startCli(part, { cwd: folder });
    await untilSaid(load, / us-east [1-9]/);
    proxy.mode = 'hold-requests';
    await untilSaid(load, / us-east \d+\/\d+\/[1-9]/); // requests fail: none was answered within its time
    proxy.mode = 'pass';
    proxy.releaseRequests();
    expect(await load.ended, load.output.stderr).toBe(0);
    const { problems, books }: PartResult = JSON.parse(load.output.stdout);
    const others = problems.filter((problem) => !problem.includes('stalled')); // of a busy machine
    expect(others, load.output.stderr).toEqual([]);
    expect(books.dropped).toBe(0);
    expect(books.failed).toBeGreaterThan(1);
    const ofEvidence = ['info <= 90%', 'headroom <= 90%']; // unknown charges hide that much
    const claims = ['total-excess <= 0', 'false-denials <= 0', ...ofEvidence].flatMap((one) => [
      '--claim',
      one,
    ]);
    const { code, stdout } = await runCli(['check', 'cut.ndjson', ...claims], { cwd: folder });
    expect([code, stdout.split('\n')[0]], stdout).toEqual(
      problems.length === 0 ? [0, 'verdict  pass'] : [2, 'verdict  unknown'],
    );
  });
});
