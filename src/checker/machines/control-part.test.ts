import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../../test/support/history.ts';
import {
  BASE,
  type Clock,
  clockAt,
  MACHINES,
  NODE,
  readings,
  S,
  take,
} from '../../../test/support/part-clocks.ts';
import { controlOf, historyOfParts, partOf } from '../../../test/support/part-history.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';
import { parseClaim } from '../claims/claim.ts';

const [A, B] = MACHINES as [Clock, Clock];
const options: CheckOptions = { busiest: [], contestedAtLeast: 0, contestedBucketsAtLeast: 0, infoAtMost: 1 };
const WAY = { there: 400, back: 300 };
/** A full bucket of 4 tokens, and a denial. */
const SPENT = [0, 1, 2, 3].map((at) => take(A, at * 1_000, {}, (3 - at) * S + at * 1_000));
const DENIED = take(A, 5_000, { outcome: 'denied' }, 5_000);

interface Control {
  readonly machine?: Clock;
  readonly records?: readonly HistoryRecord[];
  readonly isUnread?: boolean;
}

/** A run of two parts, of which the headers say that there is a control part. */
function judged(
  { a = [...SPENT, DENIED], control }: { a?: readonly OperationPart[]; control?: Control | undefined },
  more: Partial<CheckOptions> = {},
) {
  const load = [A, B].map((own, at) => ({
    part: partOf('ab'[at], { control: true }),
    header: { refunds: 'none' } as const,
    operations: at === 0 ? a : [],
    records: [...readings(own, BASE, WAY), ...readings(own, NODE, WAY)],
  }));
  const { machine = BASE, records = [], isUnread = false } = control ?? {};
  const pings = isUnread
    ? []
    : readings(machine, BASE, WAY).map((one) => ({ ...one, source: 'machine' as const }));
  const part = { part: controlOf({ machine: machine.name }), records: [...pings, ...records] };
  const history = historyOfParts(control === undefined ? load : [part, ...load], { policy: '4:1/s' });
  return checkHistory(history, { ...options, ...more });
}

/** A fault from one second on, by the clock of the control part. */
const faultOf = (clock: Clock, fault = 'command', args = {}): HistoryRecord[] => [
  { type: 'fault', fault, phase: 'inject', atUs: Math.floor(clockAt(clock, S)), args },
  { type: 'fault', fault, phase: 'heal', atUs: Math.ceil(clockAt(clock, 2 * S)) },
];
const event = (event: string, args: object): HistoryRecord =>
  ({ type: 'event', event, atUs: Math.floor(clockAt(BASE, S)), args }) as HistoryRecord;
const claimed = (...claims: string[]) => ({ claims: claims.map(parseClaim) });

describe('the faults of a control part', () => {
  it('are exact on the axis of the clock endpoint, whose clock it has', () => {
    const { faults, phases } = judged({ control: { records: faultOf(BASE) } });
    expect(phases.map(({ name }) => name)).toEqual(['before', 'during command', 'after command']);
    const [inject, heal] = faults.map(({ atUs }) => atUs);
    expect((heal ?? 0) - (inject ?? 0)).toBe(Math.ceil(clockAt(BASE, 2 * S)) - Math.floor(clockAt(BASE, S)));
  });

  it('are on that axis within the error of its clock, if it is of another machine', () => {
    const own = { name: 'third', aheadUs: 9e11, ppm: 400 };
    const [exact, mapped] = [BASE, own].map(
      (machine) => judged({ control: { machine, records: faultOf(machine) } }).faults[0]?.atUs ?? 0,
    );
    expect((exact ?? 0) - (mapped ?? 0)).toBeGreaterThan(0);
    expect((exact ?? 0) - (mapped ?? 0)).toBeLessThan(800);
  });

  it('have claims of their own, which are unknown without it', () => {
    const claim = claimed('total-excess <= 0 during command', 'total-excess <= 0 after command');
    const later = take(A, 1.5 * S, {}, Math.floor(0.5 * S * 1.00003));
    const a = [...SPENT, DENIED, later, take(A, 3 * S)];
    const known = judged({ a, control: { records: faultOf(BASE) } }, claim);
    expect(known.claims.slice(0, 2).map(({ status }) => status)).toEqual(['holds', 'holds']);
    const lost = judged({ a }, claim);
    expect([lost.verdict, ...lost.claims.slice(0, 2).map(({ status }) => status)]).toEqual([
      ...['unknown', 'unknown', 'unknown'],
    ]);
  });
});

describe('without the control part of a run', () => {
  it('nothing passes, and with it the same run does', () => {
    expect(judged({ control: {} }, claimed('total-excess <= 0', 'sides >= 0%')).verdict).toBe('pass');
    const lost = judged({}, claimed('total-excess <= 0', 'sides >= 0%'));
    expect(lost.verdict).toBe('unknown');
    expect(lost.accounts.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^the control part is missing, and with it the faults of the run/),
    ]);
    expect(lost.proofs?.proved).toBe(0);
  });

  it('no excess is above a bound that its faults may raise', () => {
    const a = [...SPENT, DENIED, take(A, 6_000)];
    const clock = faultOf(BASE, 'gateway-clock', { offsetMs: 5_000 });
    const bound: Partial<CheckOptions> = {
      ...claimed('total-excess <= bound', 'sides >= 0%', 'exercised >= 0%'),
      boundOf: (_, { serviceClockSpreadUs }) => ({
        totalExcess: serviceClockSpreadUs / S,
        worstWindow: null,
        formula: '',
      }),
    };
    const verdicts = [clock, []].map((records) => judged({ a, control: { records } }, bound).verdict);
    expect(verdicts).toEqual(['pass', 'fail']);
    const [claim] = judged({ a }, bound).claims;
    expect(claim).toMatchObject({ status: 'unknown' });
    expect(claim?.reason).toMatch(/the history is incomplete/);
  });

  it('an excess above an ideal bucket fails as ever, since faults excuse none', () => {
    const a = [...SPENT, take(A, 6_000)];
    expect(judged({ a }, claimed('total-excess <= 0', 'sides >= 0%')).verdict).toBe('fail');
  });

  it('no denial is called false', () => {
    const a = [...SPENT.slice(1), take(A, 5_000, { outcome: 'denied' })];
    expect(judged({ a, control: {} }).falseDenials.total).toBe(1);
    expect(judged({ a }).falseDenials).toMatchObject({ total: 0, judged: 0 });
  });
});

describe('a control part', () => {
  it.each([
    {
      title: 'a fault that its probe did not see',
      records: [event('proof', { fault: 'command', bit: false, saw: '3 of 3 pings' })],
      reason: 'command changed nothing that its probe could see: 3 of 3 pings',
    },
    {
      title: 'a problem',
      records: [event('problem', { text: 'rating-eu-west-1 ended' })],
      reason: 'the control part: rating-eu-west-1 ended',
    },
  ])('with $title makes the verdict unknown', ({ records, reason }) => {
    const { verdict, accounts } = judged({ control: { records } });
    expect(verdict).toBe('unknown');
    expect(accounts).toContainEqual({ verdict: 'unknown', reason });
  });

  it('whose clock is wrong contradicts the clock endpoint, like that of any machine', () => {
    const own = { name: 'third', aheadUs: 9e11, ppm: 400 };
    const jumped = readings(own, BASE, WAY).map((one, at) => ({
      ...one,
      atUs: one.atUs + (at > 30 ? 9_000 : 0),
    }));
    const { verdict, contradictions } = judged({
      control: { machine: own, records: jumped, isUnread: true },
    });
    expect(verdict).toBe('unknown');
    expect(contradictions).toEqual([
      expect.stringMatching(/^the clock of machine third \(control part\) contradicts the clock endpoint/),
    ]);
  });

  it('of which no reading says when its faults were is as good as none', () => {
    const own = { name: 'third', aheadUs: 9e11, ppm: 400 };
    const { verdict, accounts } = judged({
      control: { machine: own, records: faultOf(own), isUnread: true },
    });
    expect(verdict).toBe('unknown');
    expect(accounts[0]?.reason).toMatch(
      /^no reading relates the clock of the control part to that of the others/,
    );
  });

  it('is listed with its machine and the error of its clock', () => {
    const own = { name: 'third', aheadUs: 9e11, ppm: 400 };
    const { machines } = judged({ control: { machine: own } });
    expect(machines?.map(({ machine, parts }) => [machine, ...parts])).toEqual([
      ['machine-a', 'a'],
      ['machine-b', 'b'],
      ['third', 'control part'],
    ]);
    expect(machines?.[2]?.errorUs).toBeGreaterThan(340);
    expect(machines?.[2]?.errorUs).toBeLessThan(700);
  });
});
