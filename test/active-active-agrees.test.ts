import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePolicy } from '../src/core/policy.ts';
import { freshBucket, receive, type SharedBucket, takeShared } from '../src/limiter/active-active/bucket.ts';
import type { Spend } from '../src/limiter/active-active/spends.ts';
import { MOST_OWN_SPENDS } from '../src/limiter/active-active/window.ts';
import { loadScript, type Script } from '../src/limiter/script.ts';
import { SERVERS, startTestServer, type TestServer } from './support/server.ts';

const MAX_AGE_US = 1_000_000;

let fresh = 0;
/** Keys of nobody else: what an earlier test has left running, after its time was up, has others. */
function freshKeys() {
  const tag = `{t${++fresh}}`;
  const [region, outbox, bucket] = [`${tag}:region`, `${tag}:outbox`, `${tag}:bucket`];
  return { take: [region, outbox, bucket], merge: [region, `${tag}:cursors`, bucket], bucket };
}
const OWN = { region: 'us-east', number: 1 };
const OTHER = { region: 'eu-west', number: 2, epochUs: 7 };

const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ cost: fc.integer({ min: 0, max: 3 }) }) },
  fc.record({ agoUs: fc.integer({ min: -2_000, max: 200_000 }), tokens: fc.integer({ min: 1, max: 4 }) }),
);
const anyWalk = fc.record({
  capacity: fc.integer({ min: 3, max: 20 }),
  tokens: fc.integer({ min: 1, max: 5 }),
  perUs: fc.integer({ min: 1, max: 20_000 }),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 60 }),
});

describe.each(SERVERS)('the scripts of active-active on %s', { timeout: 120_000 }, (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server.stop());

  const run = (script: Script, keys: readonly string[], args: readonly (string | number)[]) =>
    server.client.eval(script.source, keys.length, ...keys, ...args.map(String)) as Promise<number[]>;
  const [takeScript, mergeScript] = [loadScript('active-take'), loadScript('active-merge')];

  it('agree with the library to the last quantum', async () => {
    await fc.assert(
      fc.asyncProperty(anyWalk, async ({ capacity, tokens, perUs, steps }) => {
        const keys = freshKeys();
        const policy = makePolicy(capacity, { tokens, perUs });
        const rules = [policy.capacityQuanta, policy.quantaPerUs];
        let bucket: SharedBucket = freshBucket(policy);
        let epochUs: number | undefined;
        for (const step of steps) {
          if ('cost' in step) {
            const costQuanta = step.cost * policy.quantaPerToken;
            const reply = await run(takeScript, keys.take, [
              ...rules,
              ...[costQuanta, OWN.number, 1, MAX_AGE_US, 1_000, 'spends'],
            ]);
            const [allowed = -1, levelQuanta, retryAfterUs, nowUs = 0] = reply;
            if (allowed === 1 && costQuanta > 0) epochUs ??= nowUs;
            const asked = {
              region: OWN.region,
              epochUs: epochUs ?? 0,
              costQuanta,
              nowUs,
              maxAgeUs: MAX_AGE_US,
            };
            const { bucket: after, result } = takeShared(bucket, policy, asked);
            bucket = after;
            expect({ allowed: allowed === 1, levelQuanta, retryAfterUs }).toEqual({
              allowed: result.allowed,
              levelQuanta: result.levelQuanta,
              retryAfterUs: result.retryAfterUs,
            });
          } else {
            const quanta = step.tokens * policy.quantaPerToken;
            const [seconds = 0, us = 0] = (await server.client.time()).map(Number);
            const atUs = seconds * 1_000_000 + us - step.agoUs;
            const [nowUs = 0] = await run(mergeScript, keys.merge, [
              'eu-west',
              OTHER.number,
              OTHER.epochUs,
              '',
              '',
              MAX_AGE_US,
              'spends',
              ...rules,
              1,
              atUs,
              quanta,
            ]);
            const spend: Spend = { region: OTHER.region, epochUs: OTHER.epochUs, atUs, quanta };
            bucket = receive(bucket, policy, { batch: [spend], nowUs, maxAgeUs: MAX_AGE_US });
          }
        }
      }),
      { seed: 8, numRuns: 30 },
    );
  });

  it('keep a bucket small however it is used, and forget it when it is full and nothing can still come', async () => {
    const policy = makePolicy(2, { tokens: 1, perUs: 1 }); // full again before the next take
    const args = [policy.capacityQuanta, policy.quantaPerUs, policy.quantaPerToken, OWN.number, 0];
    const keys = freshKeys();
    let [admitted, most] = [0, 0];
    while (admitted < 2 * MOST_OWN_SPENDS + 20) {
      const [allowed = 0] = await run(takeScript, keys.take, [...args, MAX_AGE_US, 1_000, 'spends']);
      admitted += allowed;
      most = Math.max(most, await server.client.strlen(keys.bucket));
    }
    expect(most).toBeGreaterThan(28 * MOST_OWN_SPENDS);
    expect(most).toBeLessThanOrEqual(16 + 28 * (2 * MOST_OWN_SPENDS + 3));
    const ttlMs = await server.client.pttl(keys.bucket);
    expect(ttlMs).toBeGreaterThan(MAX_AGE_US / 1_000);
    expect(ttlMs).toBeLessThan(MAX_AGE_US / 1_000 + 1_100);
  });

  it('change nothing when a batch comes again, late or after what followed it', async () => {
    const policy = makePolicy(20, { tokens: 1, perUs: 1_000_000 });
    const [seconds = 0] = (await server.client.time()).map(Number);
    let keys = freshKeys();
    const deliver = (spends: readonly (readonly [agoUs: number, tokens: number])[]) =>
      run(mergeScript, keys.merge, [
        ...['eu-west', OTHER.number, OTHER.epochUs, '', '', 60_000_000, 'spends'],
        ...[policy.capacityQuanta, policy.quantaPerUs, spends.length],
        ...spends.flatMap(([agoUs, tokens]) => [seconds * 1_000_000 - agoUs, tokens * policy.quantaPerToken]),
      ]);
    const stored = () => server.client.getBuffer(keys.bucket);
    await deliver([[3_000_000, 2]]);
    await deliver([
      [2_000_000, 5],
      [1_000_000, 1],
    ]);
    const before = await stored();
    await deliver([[2_000_000, 5]]);
    await deliver([
      [3_000_000, 1],
      [1_000_000, 1],
    ]);
    expect((await stored())?.subarray(16)).toEqual(before?.subarray(16));
    keys = freshKeys();
    await deliver([
      [1_000_000, 1],
      [2_000_000, 4],
    ]);
    await deliver([
      [3_000_000, 2],
      [2_000_000, 5],
    ]);
    expect((await stored())?.subarray(16)).toEqual(before?.subarray(16));
  });
});
