import { createNoopMeter } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { Decision, DecisionSource } from '../../core/decision.ts';
import { parsePolicy } from '../../core/policy.ts';
import { withMetrics } from '../../metrics/with-metrics.ts';
import { recordTakes } from '../../testing/record-takes.ts';
import type { Home, Limiter, Reservation } from '../limiter.ts';
import type { LeaseLimiter } from '../strategies/lease/lease.ts';
import { systemSurroundings } from '../system-surroundings.ts';
import { decideOnFailure } from '../wrappers/failure-policy.ts';
import { answerLocally } from '../wrappers/local-answers.ts';
import { shadow } from '../wrappers/shadow.ts';
import { homeOf, noticeAway, placeOf } from './away.ts';

const subject = { user: 'ada', endpoint: 'search' };
const home: Home = { region: 'us-east', slot: 7, key: 'rate:{abc}:ada:search', nodes: ['a:1', 'a:2'] };
const homes = { regions: { 'us-east': { nodes: home.nodes } }, regionOf: () => 'us-east' };
const policy = parsePolicy('20:5/s');
const meter = createNoopMeter();

const decided = (node: string, source: DecisionSource = 'redis'): Decision => ({
  allowed: true,
  evidence: { strategy: 'central', node, source },
});

/** A limiter whose decisions are all by one node. */
function limiterOf(node: string, more: Partial<Limiter> = {}): Limiter {
  const decision = decided(node);
  return {
    strategy: 'central',
    policy,
    policiesOf: () => [{ name: 'default', policy }],
    homeOf: () => home,
    take: async () => decision,
    reserve: async () => ({ decision }) as Reservation,
    ...more,
  } as Limiter;
}

let warning: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => warning.mockRestore());

describe('placeOf', () => {
  it.each<[string, Home | undefined, Decision, 'here' | 'away' | undefined]>([
    ['the primary of the home', home, decided('a:1'), 'here'],
    ['a denial in memory by a node of the home', home, decided('a:2', 'local'), 'here'],
    ['another node', home, decided('b:1'), 'away'],
    ['a lease of another node', home, decided('b:1', 'lease'), 'away'],
    ['a failure policy', home, decided('none', 'fallback'), undefined],
    ['a subject without a home', undefined, decided('a:1'), undefined],
    ['a table without nodes', { ...home, nodes: [] }, decided('a:1'), undefined],
  ])('of %s', (_, at, { evidence }, place) => expect(placeOf(at, evidence)).toBe(place));
});

describe('homeOf', () => {
  it.each<[string, Partial<Limiter>, Home | undefined]>([
    ['a limiter with homes', {}, home],
    ['a limiter without homes', { homeOf: undefined } as object, undefined],
    ['a rule that throws', { homeOf: () => expect.fail('by regionOf') }, undefined],
  ])('of %s', (_, more, found) => expect(homeOf(limiterOf('a:1', more), subject)).toBe(found));
});

/** A limiter whose takes last until the subject's home has become another one. */
function movingDuringTakes(node: string) {
  const west: Home = { ...home, region: 'eu-west', nodes: ['w:1'] };
  let now = home;
  const decision = decided(node);
  const decide = async () => {
    await Promise.resolve();
    now = west;
    return decision;
  };
  const limiter = limiterOf(node, {
    homeOf: () => now,
    take: decide,
    reserve: async () => ({ decision: await decide() }) as Reservation,
  });
  const regions = { ...homes.regions, 'eu-west': { nodes: west.nodes } };
  const start = () => {
    now = home;
  };
  return { limiter, start, homes: { regions, regionOf: () => now.region } };
}

describe('a home that changes during a take', () => {
  it.each(['take', 'reserve'] as const)('is no decision away: %s', async (method) => {
    const moving = movingDuringTakes('a:1');
    const limiter = noticeAway(moving.limiter, moving.homes);
    for (let i = 0; i < 2; i++) {
      moving.start();
      await limiter[method](subject);
    }
    expect(warning).not.toHaveBeenCalled();
    await limiter[method](subject); // the warning is not used up
    expect(warning.mock.calls).toEqual([
      [expect.stringMatching(/^a:1 .* home is eu-west/), expect.anything()],
    ]);
  });

  it('is not reported, though another node decided', async () => {
    const moving = movingDuringTakes('b:1');
    const onAway = vi.fn();
    await noticeAway(moving.limiter, { ...moving.homes, onAway }).take(subject);
    expect(onAway).not.toHaveBeenCalled();
  });

  it('is that of before in metrics', async () => {
    const record = vi.fn();
    const measuring = { ...meter, createHistogram: () => ({ record }) };
    const moving = movingDuringTakes('a:1');
    const limiter = withMetrics(moving.limiter, { meter: measuring as unknown as typeof meter });
    await limiter.take(subject);
    moving.start();
    await limiter.reserve(subject);
    expect(record.mock.calls.map(([, attributes]) => attributes['openclaw_rl.home'])).toEqual([
      'here',
      'here',
    ]);
  });
});

it('does not ask regionOf for an invalid subject, and leaves a regionOf that throws to the take', async () => {
  const regionOf = vi.fn(() => expect.fail('by regionOf'));
  const limiter = noticeAway(limiterOf('b:1'), { ...homes, regionOf });
  await limiter.take({ ...subject, user: '' });
  expect(regionOf).not.toHaveBeenCalled();
  await limiter.take(subject);
  expect(warning).not.toHaveBeenCalled();
});

describe('a decision away', () => {
  it('is warned of once, with the way out', async () => {
    const limiter = noticeAway(limiterOf('b:1'), homes);
    for (let i = 0; i < 3; i++) await limiter.take(subject);
    expect(warning.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^b:1 decided .* home is us-east, .*failover.*openclaw-rl homes --check homes\.json/,
        ),
        { type: 'OpenclawWarning', code: 'OPENCLAW_HOMES' },
      ],
    ]);
  });

  it('is reported each time, also of a reservation', async () => {
    const onAway = vi.fn();
    const limiter = noticeAway(limiterOf('b:1'), { ...homes, onAway });
    await limiter.take(subject);
    await limiter.reserve(subject);
    expect(onAway.mock.calls).toEqual([[{ subject, home, node: 'b:1' }], [{ subject, home, node: 'b:1' }]]);
    expect(warning).not.toHaveBeenCalled();
  });

  it('is reported of tryTake too, if it decides', () => {
    const onAway = vi.fn();
    const tryTake = vi.fn<LeaseLimiter['tryTake']>(() => undefined);
    const limiter = noticeAway({ ...limiterOf('b:1'), tryTake }, { ...homes, onAway });
    expect(limiter.tryTake(subject, { cost: 2 })).toBeUndefined();
    expect(onAway).not.toHaveBeenCalled();
    tryTake.mockReturnValue(decided('b:1', 'lease'));
    expect(limiter.tryTake(subject, { cost: 2 })).toBe(tryTake.mock.results[1]?.value);
    expect(onAway.mock.calls).toEqual([[{ subject, home, node: 'b:1' }]]);
    expect(tryTake).toHaveBeenLastCalledWith(subject, { cost: 2 });
    expect(noticeAway(limiterOf('b:1'), homes)).not.toHaveProperty('tryTake');
  });

  it.each<[string, () => void]>([
    ['throws', () => expect.fail('no log')],
    ['rejects', async () => expect.fail('no log')],
  ])('is decided all the same where the report %s', async (_, onAway) => {
    const limiter = noticeAway(limiterOf('b:1'), { ...homes, onAway });
    for (let i = 0; i < 2; i++) expect((await limiter.take(subject)).allowed).toBe(true);
    await expect.poll(() => warning.mock.calls.length).toBeGreaterThan(0);
    expect(warning.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining('no log')]);
  });

  it.each([
    ['without a home', { ...homes, regionOf: () => undefined }],
    ['without nodes in the table', { ...homes, regions: { 'us-east': {} } }],
    ['with an empty list of nodes', { ...homes, regions: { 'us-east': { nodes: [] } } }],
  ])('is none %s', async (_, none) => {
    const onAway = vi.fn();
    const limiter = limiterOf('b:1', { homeOf: () => ({ ...home, nodes: [] }) });
    await noticeAway(limiter, { ...none, onAway }).take(subject);
    expect(onAway).not.toHaveBeenCalled();
  });

  it('is none at home', async () => {
    const onAway = vi.fn();
    await noticeAway(limiterOf('a:2'), { ...homes, onAway }).take(subject);
    expect(onAway).not.toHaveBeenCalled();
  });
});

it.each<[string, (limiter: Limiter) => Limiter]>([
  ['noticeAway', (limiter) => noticeAway(limiter, homes)],
  ['answerLocally', (limiter) => answerLocally(limiter, {}, systemSurroundings.time)],
  [
    'decideOnFailure',
    (limiter) => decideOnFailure(limiter, { onFailure: 'open', names: ['default'] }, systemSurroundings),
  ],
  ['shadow', (limiter) => shadow(limiter, systemSurroundings)],
  ['withMetrics', (limiter) => withMetrics(limiter, { meter })],
  ['recordTakes', (limiter) => recordTakes(limiter).limiter],
])('%s gives the home of the limiter that it wraps', (_, wrap) => {
  expect(wrap(limiterOf('a:1')).homeOf?.(subject)).toBe(home);
});
