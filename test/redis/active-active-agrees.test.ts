import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePolicy, type Policy } from '../../src/core/policy.ts';
import { loadScript, type Script } from '../../src/limiter/redis/script.ts';
import {
  freshBucket,
  levelAt,
  receive,
  type SharedBucket,
  takeShared,
} from '../support/active-active/bucket.ts';
import type { Spend } from '../support/active-active/spends.ts';
import { MOST_OWN_SPENDS } from '../support/active-active/window.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';

const MAX_AGE_US = 1_000_000;

let fresh = 0;
/** Keys of this test only: an earlier test that timed out may still run, with other keys. */
function freshKeys() {
  const tag = `{t${++fresh}}`;
  const [region, outbox, cursors] = [`${tag}:region`, `${tag}:outbox`, `${tag}:cursors`];
  const [bucket, second] = [`${tag}:bucket`, `${tag}:second`];
  return {
    ...{ region, outbox, bucket, second },
    take: [region, outbox, bucket],
    takes: [
      [region, outbox, bucket],
      [region, outbox, second],
    ],
    read: [region, outbox],
    merge: [region, cursors, bucket],
    mergeBoth: [region, cursors, bucket, second],
  };
}
const rulesOf = ({ capacityQuanta, quantaPerUs, quantaPerToken }: Policy) => [
  capacityQuanta,
  quantaPerUs,
  quantaPerToken,
];
const OWN = { region: 'us-east', number: 1 };
const OTHER = { region: 'eu-west', number: 2, epochUs: 7 };

const anySpend = fc.record({
  agoUs: fc.integer({ min: -2_000, max: 3 * MAX_AGE_US }),
  tokens: fc.integer({ min: 1, max: 4 }),
});
const either = fc.integer({ min: 0, max: 1 });
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ cost: fc.integer({ min: 0, max: 3 }), of: either, by: either }) },
  { weight: 2, arbitrary: fc.record({ spends: fc.tuple(anySpend, anySpend), by: either }) },
  fc.record({ jumpUs: fc.integer({ min: -MAX_AGE_US, max: 3 * MAX_AGE_US }) }),
);
/** Some fill within the age of a spend, some do not. */
const anyPerUs = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 5 * MAX_AGE_US }));
const anyPolicy = fc
  .tuple(fc.integer({ min: 3, max: 20 }), fc.integer({ min: 1, max: 5 }), anyPerUs)
  .map(([capacity, tokens, perUs]) => makePolicy(capacity, { tokens, perUs }));
const anyWalk = fc.record({
  /** Two in half of the walks: a change of the policy, with both in use. */
  policies: fc.oneof(fc.tuple(anyPolicy), fc.tuple(anyPolicy, anyPolicy)),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 60 }),
});

describe.each(SERVERS)('the scripts of active-active on %s', { timeout: 120_000 }, (command) => {
  let server: SteppableServer;
  beforeAll(async () => {
    server = await startSteppableServer(command);
  });
  afterAll(() => server.stop());

  const run = (script: Script, keys: readonly string[], args: readonly (string | number)[]) =>
    server.client.eval(script.source, keys.length, ...keys, ...args.map(String)) as Promise<number[]>;
  const [takeScript, mergeScript] = [loadScript('active-take'), loadScript('active-merge')];
  const readScript = loadScript('active-read');
  const nowUs = async () => {
    const [seconds = 0, us = 0] = (await server.client.time()).map(Number);
    return seconds * 1_000_000 + us;
  };

  it('agree with the library to the last quantum, with clocks that jump both ways', async () => {
    let offsetUs = 0;
    await fc.assert(
      fc.asyncProperty(anyWalk, async ({ policies, steps }) => {
        const keys = freshKeys();
        const buckets: (SharedBucket | undefined)[] = [];
        let epochUs: number | undefined;
        for (const step of steps) {
          if ('jumpUs' in step) {
            offsetUs += step.jumpUs;
            server.setClockOffsetUs(offsetUs);
            continue;
          }
          const policy = policies[step.by] ?? policies[0];
          const rules = rulesOf(policy);
          for (const [of, bucket] of buckets.entries())
            if (bucket !== undefined && (await server.client.exists(keys.takes[of]?.[2] ?? '')) === 0) {
              if (policies.length === 1)
                expect(levelAt(bucket, policy, await nowUs())).toBe(policy.capacityQuanta);
              buckets[of] = undefined;
            }
          if ('cost' in step) {
            const costQuanta = step.cost * policy.quantaPerToken;
            const [allowed = -1, levelQuanta, retryAfterUs, takenUs = 0] = await run(
              takeScript,
              keys.takes[step.of] ?? [],
              [...rules, ...[costQuanta, OWN.number, 1, MAX_AGE_US, 1_000, 'spends']],
            );
            if (allowed === 1 && costQuanta > 0) epochUs ??= takenUs;
            const request = { region: OWN.region, epochUs: epochUs ?? 0, costQuanta, nowUs: takenUs };
            const known = buckets[step.of] ?? freshBucket(policy);
            const { bucket, result } = takeShared(known, policy, { ...request, maxAgeUs: MAX_AGE_US });
            const { spend, ...expected } = result;
            if (spend !== undefined) buckets[step.of] = bucket;
            expect({ allowed: allowed === 1, levelQuanta, retryAfterUs }).toEqual(expected);
          } else {
            const atUs = await nowUs();
            const batches = step.spends.map(({ agoUs, tokens: spent }): Spend[] => [
              {
                ...{ region: OTHER.region, epochUs: OTHER.epochUs },
                ...{ atUs: atUs - agoUs, quanta: spent * policy.quantaPerToken },
              },
            ]);
            const [mergedUs = 0] = await run(mergeScript, keys.mergeBoth, [
              ...['eu-west', OTHER.number, OTHER.epochUs, '', '', MAX_AGE_US, 'spends', '', 0],
              ...batches.flatMap((batch) => [
                ...[...rules, batch.length],
                ...batch.flatMap(({ atUs, quanta, epochUs }) => [atUs, quanta, epochUs]),
              ]),
            ]);
            for (const [of, batch] of batches.entries()) {
              const received = { batch, nowUs: mergedUs, maxAgeUs: MAX_AGE_US };
              const bucket = receive(buckets[of] ?? freshBucket(policy), policy, received);
              if (buckets[of] !== undefined || bucket.spends.length > 0) buckets[of] = bucket;
            }
          }
        }
      }),
      { seed: 8, numRuns: 60 },
    );
    offsetUs = 0;
    server.setClockOffsetUs(0);
  });

  it('keep a bucket small however it is used, and forget it when it is full and nothing can still come', async () => {
    const policy = makePolicy(2, { tokens: 1, perUs: 1 }); // full again before the next take
    const args = [...rulesOf(policy), policy.quantaPerToken, OWN.number, 0];
    const keys = freshKeys();
    let [admitted, most] = [0, 0];
    while (admitted < 2 * MOST_OWN_SPENDS + 20) {
      // Many at once: on a slow machine spends would be too old before enough of them have come one by one.
      const takes = Array.from({ length: 20 }, () =>
        run(takeScript, keys.take, [...args, MAX_AGE_US, 1_000, 'spends']),
      );
      for (const [allowed = 0] of await Promise.all(takes)) admitted += allowed;
      most = Math.max(most, await server.client.strlen(keys.bucket));
    }
    expect(most).toBeGreaterThan(28 * MOST_OWN_SPENDS);
    expect(most).toBeLessThanOrEqual(48 + 28 * (2 * MOST_OWN_SPENDS + 3));
    const ttlMs = await server.client.pttl(keys.bucket);
    expect(ttlMs).toBeGreaterThan(MAX_AGE_US / 1_000);
    expect(ttlMs).toBeLessThan(MAX_AGE_US / 1_000 + 1_100);
  });

  it('change nothing when a batch is repeated, late or after its successor', async () => {
    const policy = makePolicy(20, { tokens: 1, perUs: 1_000_000 });
    const [seconds = 0] = (await server.client.time()).map(Number);
    let keys = freshKeys();
    const deliver = (spends: readonly (readonly [agoUs: number, tokens: number])[]) =>
      run(mergeScript, keys.merge, [
        ...['eu-west', OTHER.number, OTHER.epochUs, '', '', 60_000_000, 'spends', '', 0],
        ...[...rulesOf(policy), spends.length],
        ...spends.flatMap(([agoUs, tokens]) => [
          ...[seconds * 1_000_000 - agoUs, tokens * policy.quantaPerToken],
          OTHER.epochUs,
        ]),
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
    expect((await stored())?.subarray(48)).toEqual(before?.subarray(48));
    keys = freshKeys();
    await deliver([
      [1_000_000, 1],
      [2_000_000, 4],
    ]);
    await deliver([
      [3_000_000, 2],
      [2_000_000, 5],
    ]);
    expect((await stored())?.subarray(48)).toEqual(before?.subarray(48));
  });

  const ask = [20, 1, 1, 1, OWN.number, 1, MAX_AGE_US, 1_000, 'spends'] as const;
  const batchOf = ({ from, cursor, missed }: { from: string; cursor: string; missed: number }) => [
    ...['eu-west', OTHER.number, OTHER.epochUs, cursor, '', MAX_AGE_US, 'spends', from, missed],
    ...[20, 1, 1, 1],
  ];

  it('leave out a batch that was asked for before their region lost its memory', async () => {
    const keys = freshKeys();
    const spend = async () => [await nowUs(), 1, OTHER.epochUs];
    const merge = async (from: string, cursor: string) =>
      (
        await run(mergeScript, keys.merge, [...batchOf({ from, cursor, missed: 0 }), ...(await spend())])
      ).slice(1, 3);
    expect(await merge('0 0-0', '0-5')).toEqual([5, OTHER.epochUs]);
    expect(await merge('7 0-5', '0-8')).toEqual([8, OTHER.epochUs]);
    await server.client.del(keys.bucket, ...keys.merge);
    expect(await merge('7 0-8', '0-9')).toEqual([0, 0]);
    expect(await server.client.exists(keys.bucket)).toBe(0);
    expect(await merge('0 0-0', '0-9')).toEqual([9, OTHER.epochUs]);
  });

  it('count spends trimmed before they were read, and have no age until those would not count', async () => {
    const keys = freshKeys();
    for (let i = 0; i < 5; i++) await run(takeScript, keys.take, ask);
    const readFrom = (life: number, cursor: string) =>
      run(readScript, keys.read, [life, cursor, 2, MAX_AGE_US]);
    const [life = 0, cursor, newest, missed] = await readFrom(0, '0-0');
    expect([cursor, newest, missed]).toEqual(['0-2', '0-5', 0]);
    await server.client.xtrim(keys.outbox, 'MAXLEN', 1);
    expect((await readFrom(life, '0-2')).slice(1, 4)).toEqual(['0-5', '0-5', 2]);
    expect((await readFrom(life, '0-5')).slice(1, 4)).toEqual(['0-5', '0-5', 0]);

    const other = freshKeys();
    const age = async () => (await run(takeScript, other.take, ask))[4];
    await run(mergeScript, other.merge.slice(0, 2), [
      ...['eu-west', OTHER.number, 7, '0-5', `${await nowUs()} 0`, MAX_AGE_US, 'spends', '0 0-0', 2],
    ]);
    expect(await age()).toBe(-1);
    server.setClockOffsetUs(MAX_AGE_US);
    expect(await age()).toBeGreaterThanOrEqual(MAX_AGE_US);
    server.setClockOffsetUs(0);
  });

  it('make no key for spends that arrive too late', async () => {
    const keys = freshKeys();
    const args = batchOf({ from: '', cursor: '', missed: 0 });
    await run(mergeScript, keys.merge, [...args, (await nowUs()) - 3 * MAX_AGE_US, 1, 7]);
    expect(await server.client.exists(keys.bucket)).toBe(0);
    await run(mergeScript, keys.merge, [...args, await nowUs(), 1, 7]);
    expect(await server.client.exists(keys.bucket)).toBe(1);
  });
});
