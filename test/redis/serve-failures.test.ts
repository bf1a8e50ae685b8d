import { expect, it, vi } from 'vitest';
import { STRATEGY_NAMES, traitsOf } from '../../src/core/strategies.ts';
import { callCli } from '../support/call-cli.ts';
import { startCli } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { postRating } from '../support/rating-service.ts';

/** A Rating service whose Redis is not there; gives where it listens. */
async function serve(...args: readonly string[]): Promise<string> {
  const redis = `redis://127.0.0.1:${await freePort()}`;
  const rating = ['serve', 'rating', '--redis', redis, '--policy', '6:1/d', '--port', '0'];
  const { output } = startCli([...rating, '--evidence', '--metrics', ...args]);
  const listening = () => /^listening on (\S+)\n/.exec(output.stdout)?.[1];
  return vi.waitUntil(listening, { timeout: 30_000, interval: 20 });
}

async function statuses(url: string, times: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) found.push((await postRating(url)).status);
  return found;
}

/** The counts of decisions by outcome, of this source. */
async function counted(url: string, source: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.includes('_count{') && line.includes(`"${source}"`));
  return Object.fromEntries(
    lines.map((line) => [/outcome="(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ')[1])]),
  );
}

it('answers 503 while Redis cannot decide, and that nothing was charged: closed', {
  timeout: 60_000,
}, async () => {
  const url = await serve();
  const reply = await postRating(url);
  expect(reply.status).toBe(503);
  expect(await reply.json()).toMatchObject({ charge: 'none', code: 'REDIS_UNREACHABLE' });
  expect(reply.headers.get('openclaw-decision')).toBeNull();
});

it('allows a take that Redis cannot decide, and reports it: open', { timeout: 60_000 }, async () => {
  const url = await serve('--on-failure', 'open');
  expect(await statuses(url, 9)).toEqual(Array(9).fill(201));
  expect((await postRating(url)).headers.get('openclaw-decision')).toBe(
    'strategy="central", node="none", source=fallback, charge=none',
  );
  expect(await counted(url, 'fallback')).toEqual({ allowed: 10 });
});

it('decides by its share if Redis cannot decide: local-share', { timeout: 60_000 }, async () => {
  const url = await serve('--on-failure', 'local-share:3', '--strategy', 'acked', '--replicas', '1');
  expect(await statuses(url, 4)).toEqual([201, 201, 429, 429]);
  expect((await postRating(url)).headers.get('openclaw-decision')).toBe(
    'strategy="acked", node="none", source=fallback, charge=none',
  );
  expect(await counted(url, 'fallback')).toEqual({ allowed: 2, denied: 3 });
});

it('names in its help the strategies that use replicas', async () => {
  const { stdout } = await callCli(['serve', 'rating', '--help']);
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    '--replicas <count> replicas of each primary, for strategies acked and lease',
  );
});

it.each([
  { args: ['--on-failure', 'local-share'], says: /closed, open or local-share:N; found "local-share"/ },
  { args: ['--on-failure', 'local-share:0'], says: /localShare: 1 to 1000/ },
  { args: ['--on-failure', 'maybe'], says: /found "maybe"/ },
  { args: ['--on-failure', 'open', '--limiter', 'mine.mjs'], says: /leave out --on-failure/ },
  { args: ['--strategy', 'acked'], says: /give --replicas/ },
  { args: ['--strategy', 'lease'], says: /give --replicas, or --strategy lease-unacked/ },
  { args: ['--strategy', 'lease', '--replicas', '0'], says: /--strategy lease-unacked/ },
  { args: ['--strategy', 'acked', '--replicas', '0'], says: /use --strategy central/ },
  {
    args: ['--strategy', 'lease-unacked', '--replicas', '1'],
    says: /--replicas cannot be used with strategy/,
  },
  { args: ['--replicas', '1'], says: /--replicas cannot be used with strategy central/ },
  ...STRATEGY_NAMES.filter((name) => !traitsOf(name).remembersDecisions).map((strategy) => ({
    args: ['--decision-ids', '--strategy', strategy, ...(strategy === 'lease' ? ['--replicas', '1'] : [])],
    says: /--decision-ids cannot be used with strategy \S+, .*\n.* use --strategy central or --strategy acked/,
  })),
])('refuses $args with exit code 64', { timeout: 60_000 }, async ({ args, says }) => {
  const { code, stderr } = await callCli(['serve', 'rating', '--redis', 'redis://127.0.0.1:1', ...args]);
  expect(code).toBe(64);
  expect(stderr).toMatch(says);
});
