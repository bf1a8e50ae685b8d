import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makePolicy, type Policy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import type { RunWrites } from '../../src/limiter/redis/port.ts';
import { loadScript, policyArgs } from '../../src/limiter/redis/script.ts';
import { type LeaveReply, type LeftLevel, type MoveKeys, stepsBy } from '../../src/limiter/rehome/steps.ts';
import * as model from '../support/rehome/key.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { type Packed, packUnits } from '../support/stored-bucket.ts';
import { drawJumpUs, MOST_OFFSET_US, policies, within } from '../support/take-walk.ts';

/*
 * The steps of a move on a real server against test/support/rehome/key.ts, which the exploration visits: random steps
 * and takes at three keys, in any order, of late and repeated moves, under clocks that jump and policies that change.
 * Marks and records live longer than a walk.
 */
const WALKS = 40;
const STEPS = 100;
const KEEP_MS = 2 ** 50;

/** The new homes of moves. */
const REGIONS = [undefined, 'west'];

const STEPS_OF = { close: model.close, leave: model.leave, cancel: model.cancel };

interface Walk {
  readonly server: SteppableServer;
  readonly random: Random;
  readonly keys: readonly MoveKeys[];
  readonly seen: Map<string, number>;
  /** What the model has, and the clock of its last change. */
  readonly known: model.Key[];
  /** The levels that replies said, by move. */
  readonly left: Map<number, readonly LeftLevel[]>;
  policies: readonly Policy[];
}

describe.each(SERVERS)('the scripts of a move on %s', (command) => {
  let server: SteppableServer | undefined;
  afterAll(() => server?.stop());

  it(`agree with the model in ${WALKS * STEPS} steps`, { timeout: 300_000 }, async () => {
    server = await startSteppableServer(command);
    const seen = new Map<string, number>();
    const drawn = fc.sample(fc.array(policies, { minLength: 1, maxLength: 3 }), { numRuns: WALKS, seed: 26 });
    for (const [index, first] of drawn.entries()) {
      const keys = [0, 1, 2].map((at): MoveKeys => [`{w${index}}:${at}`, `{w${index}}:${at}:move`]);
      const known = keys.map(() => model.NEW_KEY);
      const random = makeRandom(26, `walk ${index}`);
      await walk({ server, random, keys, seen, known, left: new Map(), policies: first });
    }
    for (const step of ['close', 'leave', 'open', 'cancel'])
      expect(seen.get(`${step} done`), step).toBeGreaterThan(WALKS / 4);
    for (const status of ['later', 'unfinished', 'at home', 'away', 'used', 'not closed', 'repeated'])
      expect(seen.get(status), status).toBeGreaterThan(WALKS / 4);
    for (const what of ['take allowed', 'take closed', 'take moved'])
      expect(seen.get(what), what).toBeGreaterThan(WALKS / 4);
  });
});

async function walk(to: Walk): Promise<void> {
  const { server, random } = to;
  let offsetUs = 0;
  for (let step = 0; step < STEPS; step++) {
    if (random() < 0.3)
      offsetUs = within(MOST_OFFSET_US, offsetUs + drawJumpUs(to.policies[0] as Policy, random));
    server.setClockOffsetUs(offsetUs);
    if (random() < 0.1) to.policies = to.policies.map((policy) => changed(policy, random));
    const at = Math.floor(random() * to.keys.length);
    await dropExpired(to, at);
    if (random() < 0.35) await takeOne(to, at);
    else await stepOne(to, at);
  }
}

/** A bucket whose time is over is full: of a jump of the clock, the model does not know. */
async function dropExpired({ server, keys, known }: Walk, at: number): Promise<void> {
  const key = known[at];
  if (key?.value?.type !== 'bucket' || (await server.client.exists(keys[at]?.[0] ?? '')) === 1) return;
  known[at] = { ...key, value: undefined };
}

/** The policy with another capacity, and another rate, so mostly another unit. */
function changed({ capacityTokens }: Policy, random: Random): Policy {
  const tokens = 1 + Math.floor(random() * 2 * capacityTokens);
  return makePolicy(tokens, `${1 + Math.floor(random() * 9)}/${random() < 0.5 ? 's' : '7s'}`);
}

async function takeOne(
  { server, random, keys, known, policies: now, seen }: Walk,
  at: number,
): Promise<void> {
  const { value } = known[at] ?? model.NEW_KEY;
  const costs = now.map(({ capacityTokens }) => 1 + Math.floor(random() * random() * capacityTokens));
  const args = now.flatMap((policy, i) => [...policyArgs(policy), (costs[i] ?? 1) * policy.quantaPerToken]);
  const call = server.client.eval(loadScript('take-all').source, 1, (keys[at] as MoveKeys)[0], 1, ...args);
  if (value !== undefined && value.type !== 'bucket') {
    const word = value.type === 'closed' ? 'BUCKETMOVING' : 'BUCKETMOVED';
    await expect(call).rejects.toThrow(`${word} move ${value.move}`);
    count(seen, `take ${value.type}`);
    return;
  }
  const [allowed, , clock = 0, , ...reply] = (await call) as number[];
  const bucket = model.bucketNow(value, now, clock);
  const levels = bucket.parts.map(
    ({ levelQuanta, unit }, i) => levelQuanta - (allowed === 1 ? (costs[i] ?? 1) * unit : 0),
  );
  expect(reply.filter((_, i) => i % 2 === 0)).toEqual(levels);
  if (allowed !== 1) return;
  count(seen, 'take allowed');
  const parts = bucket.parts.map((part, i) => ({ ...part, levelQuanta: levels[i] ?? 0 }));
  known[at] = { ...(known[at] ?? model.NEW_KEY), value: { ...bucket, parts } };
}

async function stepOne(to: Walk, at: number): Promise<void> {
  const { server, random, keys, known, policies: now, seen, left } = to;
  const [key, before] = [keys[at] as MoveKeys, known[at] ?? model.NEW_KEY];
  const clockKey = `${key[0]}:clock`;
  const run: RunWrites = async (script, of, args) => {
    const tells = `$&\nredis.call('SET', '${clockKey}', string.format('%.0f', time[1] * 1000000 + time[2]))`;
    const source = script.source.replace(/^local time = .*$/m, tells);
    const values = (await server.client.eval(source, of.length, ...of, ...args)) as number[];
    return { values, node: 'here' };
  };
  const steps = stepsBy(run, { lends: false });
  const last = before.record?.move ?? 0;
  const move = Math.max(1, last + Math.floor(random() * 3) - (random() < 0.3 ? 1 : 0));
  const args = { move, keepMs: KEEP_MS };
  const home = Math.floor(random() * random() * 2);
  const name = (['close', 'leave', 'open', 'open', 'cancel'] as const)[Math.floor(random() * 5)] ?? 'close';
  const named = now.map((policy, i) => ({ name: String(i), policy }));
  const levels = left.get(move) ?? [];
  const reply =
    name === 'leave'
      ? await steps.leave(key, { ...args, to: REGIONS[home] }, named)
      : name === 'open'
        ? await steps.open(key, { ...args, levels }, named)
        : await steps[name](key, args);
  const context = { move, nowUs: Number(await server.client.get(clockKey)), policies: now, to: home };
  const stepped =
    name === 'open'
      ? model.open(before, { parts: levels.map(partOf) }, context)
      : STEPS_OF[name](before, context);
  const what = `${name} ${move} at ${key[0]}, which has ${JSON.stringify(before)}`;
  expect([reply.status, reply.move], what).toEqual([stepped.reply.status, stepped.reply.move]);
  const { levels: said } = reply as Partial<LeaveReply>;
  if (said !== undefined) expect(said.map(partOf), what).toEqual(stepped.reply.parts);
  if (said?.[0] !== undefined) left.set(move, said);
  count(seen, reply.status === 'done' ? `${name} done` : reply.status);
  known[at] = stepped.key;
  await expectSame(server, { key, expected: stepped.key, what });
}

/** The bytes at the key are those of the model. */
async function expectSame(
  { client }: SteppableServer,
  { key, expected: { value, record }, what }: { key: MoveKeys; expected: model.Key; what: string },
): Promise<void> {
  const [bytes, recorded] = await Promise.all(key.map((one) => client.getBuffer(one)));
  if (value?.type === 'bucket')
    expect(bytes, what).toEqual(packUnits(value.updatedAtUs, value.parts.map(packed)));
  else if (value !== undefined)
    expect(bytes, what).toEqual(
      Buffer.concat([doubles(value.move), Buffer.of(value.type === 'closed' ? 254 : 255)]),
    );
  if (record === undefined) return;
  const step = 1 + ['closed', 'opened', 'left', 'cancelled'].indexOf(record.step);
  const parts = record.parts.map(({ levelQuanta, unit, mostTokens }) =>
    doubles(levelQuanta, unit, mostTokens),
  );
  const target = record.to === undefined ? [] : [doubles(record.to === 0 ? -1 : crc32('west'))];
  expect(recorded, what).toEqual(Buffer.concat([doubles(record.move), Buffer.of(step), ...target, ...parts]));
}

const partOf = ({ levelQuanta, quantaPerToken, mostTokens }: LeftLevel): model.Part => ({
  ...{ levelQuanta, unit: quantaPerToken, mostTokens },
});

const packed = ({ levelQuanta, unit, mostTokens }: model.Part): Packed => ({
  ...{ levelQuanta, quantaPerToken: unit, mostTokens },
});

function doubles(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeDoubleLE(number, 8 * i);
  return bytes;
}

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}
