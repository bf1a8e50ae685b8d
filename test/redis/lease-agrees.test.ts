import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import type { Home } from '../../src/limiter/strategies/lease/home.ts';
import { readReply, requestArgs } from '../../src/limiter/strategies/lease/home-client.ts';
import { handle } from '../support/lease/home.ts';
import { drawRequest } from '../support/lease/requests.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { drawJumpUs, MOST_OFFSET_US, policies, within } from '../support/take-walk.ts';

/*
 * lua/lease.lua on a real server against test/support/lease/home.ts, every reply to the last quantum: requests of any
 * order, repeated, late, of leases that are gone, under clocks that jump both ways.
 */
const POLICIES = 50;
const STEPS_PER_POLICY = 100;
/** The key lives a second longer than it has to, and its expiry is rounded up to milliseconds. */
const EXPIRED_US = 1_002_000;

describe.each(SERVERS)('the lease script on %s', (command) => {
  let server: SteppableServer | undefined;
  afterAll(() => server?.stop());

  it(`agrees with home in ${POLICIES * STEPS_PER_POLICY} requests`, { timeout: 900_000 }, async () => {
    server = await startSteppableServer(command);
    const random = makeRandom(20_261_125, 'lease');
    const seen = { open: 0, ended: 0, stale: 0, granted: 0, back: 0, fresh: 0 };
    for (const [index, policy] of fc.sample(policies, { numRuns: POLICIES, seed: 20_261_125 }).entries()) {
      await walk({ server, policy, random, key: `lease:${index}`, seen });
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(POLICIES / 2);
  });
});

interface Walk {
  readonly server: SteppableServer;
  readonly policy: Policy;
  readonly random: Random;
  readonly key: string;
  readonly seen: Record<'open' | 'ended' | 'stale' | 'granted' | 'back' | 'fresh', number>;
}

async function walk({ server, policy, random, key, seen }: Walk): Promise<void> {
  const script = loadScript('lease');
  await server.client.script('LOAD', script.source);
  const fullUs = Math.ceil(policy.capacityQuanta / policy.quantaPerUs);
  const terms = {
    policy,
    leaseUs: 1 + Math.floor(Math.min(fullUs, 1e12) * random()),
    marginUs: Math.floor(random() * 1e6),
  };
  let home: Home | undefined;
  let offsetUs = Math.floor((random() - 0.5) * 1e12);
  let lastUs = 0;
  for (let step = 0; step < STEPS_PER_POLICY; step++) {
    offsetUs = within(MOST_OFFSET_US, offsetUs + (random() < 0.6 ? 0 : drawJumpUs(policy, random)));
    server.setClockOffsetUs(offsetUs);
    const request = drawRequest(policy, random);
    const args = requestArgs(request, terms);
    const values = (await server.client.evalsha(script.sha, 1, key, ...args)) as number[];
    const reply = readReply(values, request);

    if (reply.atUs < lastUs) seen.back++;
    lastUs = reply.atUs;
    if (home !== undefined && reply.atUs >= home.keyExpiresAtUs + EXPIRED_US) home = undefined;
    if (home === undefined) seen.fresh++;
    const expected = handle(home, request, { terms, nowUs: reply.atUs });
    seen[reply.account]++;
    if (reply.granted > 0) seen.granted++;
    expect(reply, `${key} step ${step}: ${JSON.stringify({ request, terms })}`).toEqual(expected.reply);
    home = expected.home;
  }
}
