import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts';
import { runCli, startCli } from '../../support/cli.ts';
import { postRating } from '../../support/rating-service.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());

/** Starts the program as a user would; gives where it listens. */
async function serve(args: readonly string[]): Promise<string> {
  const { output } = startCli(['serve', ...args, '--port', '0']);
  const listening = () => /^listening on (\S+)\n/.exec(output.stdout)?.[1];
  return vi.waitUntil(listening, { timeout: 15_000, interval: 20 });
}

const rating = () => ['rating', '--redis', redis.url, '--policy', '2:1/h'];

it('the Prometheus text fails if some metrics could not be collected', async () => {
  const { meter, text } = prometheusMetrics();
  meter.createCounter('good').add(1);
  expect(await text()).toContain('good_total 1');
  meter.createObservableGauge('bad').addCallback(() => {
    throw new Error('no such gauge');
  });
  await expect(text()).rejects.toThrow(/not collected: .*no such gauge/);
});

describe('serve rating --metrics', () => {
  it('serves Prometheus text that counts every decision', async () => {
    const url = await serve([...rating(), '--metrics']);
    for (let i = 0; i < 3; i++) await postRating(url);
    const reply = await fetch(`${url}/metrics`);
    expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await reply.text();
    expect(text.endsWith('\n')).toBe(true);
    expect(parsePrometheusTextFormat(text)).toMatchObject([
      { name: 'openclaw_rl_limiter_decision_duration_seconds', type: 'HISTOGRAM', metrics: [{}] },
    ]);
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const [outcome, inTotal] of [
      ['allowed', 2],
      ['denied', 1],
    ] as const) {
      const own = series.filter((line) => line.includes(`"${outcome}"`));
      const valuesOf = (part: string) =>
        own.filter((line) => line.includes(part)).map((line) => Number(line.split(' ')[1]));
      const buckets = valuesOf('_bucket{');
      expect(buckets).toEqual(buckets.toSorted((a, b) => a - b)); // cumulative
      expect([...valuesOf('le="+Inf"'), ...valuesOf('_count{')]).toEqual([inTotal, inTotal]);
    }
    const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
    expect(text).not.toMatch(/ada/);
  });

  it('is off by default, and forwarded by no gateway', async () => {
    const off = await serve(rating());
    expect((await fetch(`${off}/metrics`)).status).toBe(404);
    const on = await serve([...rating(), '--metrics']);
    const gateway = await serve(['gateway', '--upstream', on]);
    expect((await fetch(`${gateway}/metrics`)).status).toBe(404);
  });

  it('is refused on a public address unless an option allows it', async () => {
    const refused = await runCli(['serve', ...rating(), '--metrics', '--host', '0.0.0.0', '--port', '0']);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toMatch(
      /--metrics needs a --host on loopback; found "0\.0\.0\.0"\n.*--metrics anywhere/,
    );
    const url = await serve([...rating(), '--metrics', 'anywhere', '--host', '0.0.0.0']);
    expect((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/metrics`)).status).toBe(200);
  });
});
