import { createNoopMeter } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { Decision, DecisionSource } from '../../core/decision.ts';
import { parsePolicy } from '../../core/policy.ts';
import { withMetrics } from '../../metrics/with-metrics.ts';
import { recordTakes } from '../../testing/record-takes.ts';
import type { Home, Limiter, Reservation } from '../limiter.ts';
import type { LeaseLimiter } from '../strategies/lease/lease.ts';
import { decideOnFailure } from '../wrappers/failure-policy.ts';
import { answerLocally } from '../wrappers/local-answers.ts';
import { shadow } from '../wrappers/shadow.ts';
import { noticeAway, placeOf } from './away.ts';

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
  it.each<[string, Partial<Limiter>, Decision, 'here' | 'away' | undefined]>([
    ['the primary of the home', {}, decided('a:1'), 'here'],
    ['a denial in memory by a node of the home', {}, decided('a:2', 'local'), 'here'],
    ['another node', {}, decided('b:1'), 'away'],
    ['a lease of another node', {}, decided('b:1', 'lease'), 'away'],
    ['a failure policy', {}, decided('none', 'fallback'), undefined],
    ['a limiter without homes', { homeOf: undefined } as object, decided('a:1'), undefined],
    ['a subject without a home', { homeOf: () => undefined }, decided('a:1'), undefined],
    ['a table without nodes', { homeOf: () => ({ ...home, nodes: [] }) }, decided('a:1'), undefined],
    ['a rule that throws', { homeOf: () => expect.fail('by regionOf') }, decided('a:1'), undefined],
  ])('of %s', (_, limiter, { evidence }, place) =>
    expect(placeOf(limiterOf('a:1', limiter), subject, evidence)).toBe(place),
  );
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
    await vi.waitUntil(() => warning.mock.calls.length > 0);
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
  ['answerLocally', (limiter) => answerLocally(limiter, {})],
  ['decideOnFailure', (limiter) => decideOnFailure(limiter, { onFailure: 'open', names: ['default'] })],
  ['shadow', shadow],
  ['withMetrics', (limiter) => withMetrics(limiter, { meter })],
  ['recordTakes', (limiter) => recordTakes(limiter).limiter],
])('%s gives the home of the limiter that it wraps', (_, wrap) => {
  expect(wrap(limiterOf('a:1')).homeOf?.(subject)).toBe(home);
});
