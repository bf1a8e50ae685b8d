import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { LANGUAGES_PAGE } from '../support/doc-blocks.ts';
import { newcomer, shBlocks } from '../support/newcomer.ts';
import { hasProgram } from '../support/programs.ts';

const { folder, runAll, newestReport } = await newcomer([LANGUAGES_PAGE]);
const areHere = hasProgram('go', 'version') && hasProgram('/usr/bin/python3', '-c', 'import redis.cluster');

describe.runIf(areHere)('what the page with other languages shows', { timeout: 400_000 }, () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(shBlocks([LANGUAGES_PAGE]))('judges a limiter: $title', async ({ commands }) => {
    await runAll(commands);
    const { strategy, promise, verdict, outcomes, contested, latencies } = newestReport();
    expect(strategy).toMatch(/^plugin:limit(-go)?\.yaml$/);
    expect([promise, verdict]).toEqual(['fixed-window:20/4s:first', 'pass']);
    expect(outcomes.failed + outcomes.info).toBe(0);
    expect(contested.buckets).toBeGreaterThan(9);
    const slowest = latencies?.map(({ latency }) => latency.maxUs) ?? [];
    expect(Math.max(...slowest)).toBeGreaterThan(80_000); // from us-east to eu-west and back
  });
});
