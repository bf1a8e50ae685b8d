import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import type { Event, FaultRecord } from '../../history/records/operation.ts';
import { countActivity, silenceText, silentRegions } from './silent-regions.ts';

const S = 1_000_000;
const fault = (phase: FaultRecord['phase'], atS: number): FaultRecord => ({
  type: 'fault',
  fault: 'cut',
  phase,
  atUs: atS * S,
});

/** Bins of a quarter of a second: so many decisions in each for so many seconds. */
const rate = (perBin: number, seconds: number) => new Array<number>(4 * seconds).fill(perBin);
const silent = (east: number[], west: number[], faults: FaultRecord[] = [], events: Event[] = []) =>
  silentRegions({ fromUs: 0, decided: new Map(Object.entries({ east, west })) }, { faults, events });

describe('a region is silent', () => {
  it.each([
    { title: 'that hangs for most of the run', east: [...rate(10, 4), ...rate(0, 16)], from: 4, until: 20 },
    {
      title: 'that hangs from its start but for a while',
      east: [...rate(0, 8), ...rate(10, 12)],
      from: 0,
      until: 8,
    },
    { title: 'that decides two fifths', east: [...rate(10, 14), ...rate(4, 6)], from: 14, until: 20 },
    { title: 'for a while', east: [...rate(10, 5), ...rate(0, 3), ...rate(10, 12)], from: 5, until: 8 },
  ])('$title', ({ east, from, until }) => {
    const found = silent(east, rate(10, 20));
    expect(found).toEqual([
      expect.objectContaining({ region: 'east', fromUs: from * S, untilUs: until * S }),
    ]);
  });

  it.each([
    {
      title: 'of which the others are so, too, and it decides something',
      east: rate(10, 10).concat(rate(3, 10)),
      west: rate(10, 10).concat(rate(3, 10)),
    },
    { title: 'for 2 s', east: [...rate(10, 9), ...rate(0, 2), ...rate(10, 9)], west: rate(10, 20) },
    { title: 'that decides half', east: [...rate(10, 10), ...rate(5, 10)], west: rate(10, 20) },
    {
      title: 'of which 50 requests were not expected',
      east: [...rate(1, 8), ...rate(0, 12)],
      west: rate(10, 20),
    },
    { title: 'that never decided', east: rate(0, 20), west: rate(10, 20) },
  ])('is not one $title', ({ east, west }) => expect(silent(east, west)).toEqual([]));

  it('alone where all of them are, when it decides nearly nothing', () => {
    const both = [...rate(20, 10), ...rate(1, 10)];
    expect(silent(both, both).map(({ region }) => region)).toEqual(['east', 'west']);
  });

  it.each([
    { title: 'not while a fault is in force', faults: [fault('inject', 5)], count: 0 },
    {
      title: 'not before it has settled',
      faults: [fault('inject', 5), fault('heal', 6), fault('settled', 19)],
      count: 0,
    },
    { title: 'once it has', faults: [fault('inject', 2), fault('heal', 3), fault('settled', 6)], count: 1 },
    { title: 'before the first', faults: [fault('inject', 15)], count: 1 },
  ])('$title', ({ faults, count }) => {
    expect(silent([...rate(10, 5), ...rate(0, 15)], rate(10, 20), faults)).toHaveLength(count);
  });

  it('compared with what it decided before the fault', () => {
    const faults = [fault('inject', 5), fault('heal', 6), fault('settled', 7)];
    expect(silent([...rate(10, 7), ...rate(4, 13)], rate(10, 20), faults)).toHaveLength(1);
  });

  const TWO = [
    ...[fault('inject', 5), fault('heal', 6), fault('settled', 7)],
    ...[fault('inject', 12), fault('heal', 13), fault('settled', 20), fault('settled', 20)],
  ];

  it.each([
    {
      title: 'between two faults',
      east: [...rate(10, 7), ...rate(0, 5), ...rate(10, 8)],
      from: 7,
      until: 12,
    },
    { title: 'only while it had not settled', east: [...rate(10, 5), ...rate(0, 2), ...rate(10, 13)] },
    { title: 'only during and after the second', east: [...rate(10, 12), ...rate(0, 8)] },
    { title: 'not at all', east: rate(10, 20) },
  ])('$title', ({ east, from, until }) => {
    const found = silent(east, rate(10, 20), TWO).map(({ fromUs, untilUs }) => [fromUs / S, untilUs / S]);
    expect(found).toEqual(from === undefined ? [] : [[from, until]]);
  });

  it('not where all regions are slower than in the phase before: the machine was busy', () => {
    const all = [...rate(40, 9), ...rate(10, 11)];
    expect(silent(all, all, TWO.slice(0, 3))).toEqual([]);
    expect(silent([...rate(40, 9), ...rate(3, 11)], all, TWO.slice(0, 3))).toHaveLength(1);
  });

  it('compared with the phase before, not with the first', () => {
    const faults = [...TWO.slice(0, 5), fault('settled', 14)];
    const east = [...rate(10, 5), ...rate(30, 7), ...rate(12, 8)];
    expect(silent(east, rate(10, 20), faults)).toMatchObject([{ fromUs: 14 * S, expected: 24 * 30 }]);
    const slower = [...rate(30, 7), ...rate(20, 5), ...rate(12, 8)];
    expect(silent(slower, rate(10, 20), faults)).toEqual([]);
  });

  it('once the last of two faults was healed, and it has settled', () => {
    const first = [fault('inject', 5), fault('inject', 5), fault('heal', 6), fault('settled', 7)];
    const east = [...rate(10, 7), ...rate(0, 13)];
    expect(silent(east, rate(10, 20), first)).toEqual([]);
    expect(silent(east, rate(10, 20), [...first, fault('heal', 8), fault('settled', 9)])).toMatchObject([
      { fromUs: 9 * S, untilUs: 20 * S },
    ]);
  });

  it.each([
    { title: 'of which a primary moved away, and it is slower', east: rate(3, 13), count: 0 },
    { title: 'of which a primary moved away, and it hangs', east: rate(0, 13), count: 1 },
    {
      title: 'of which a primary moved away, and it hangs after a while',
      east: [...rate(3, 7), ...rate(0, 6)],
      count: 1,
    },
  ])('$title', ({ east, count }) => {
    const faults = [fault('inject', 5), fault('heal', 6), fault('settled', 7)];
    const args = { from: 'replica', to: 'primary', slots: '0-1' };
    const events: Event[] = [{ type: 'event', event: 'role', node: 'west-1', atUs: 5.5 * S, args }];
    expect(silent([...rate(10, 7), ...east], rate(10, 20), faults, events)).toHaveLength(count);
  });
});

it('is not silent if a primary moved away, and was silent itself while it was promoted', () => {
  const faults = [fault('inject', 5), fault('heal', 6), fault('settled', 7)];
  const role = (atS: number, from: string, to: string): Event => ({
    ...{ type: 'event', event: 'role', node: 'west-1', atUs: atS * S },
    args: { from, to, slots: '' },
  });
  const events = [role(5.3, 'replica', 'down'), role(5.8, 'down', 'primary')];
  const east = [...rate(10, 7), ...rate(3, 13)];
  expect(silent(east, rate(10, 20), faults, events)).toEqual([]);
  const returned = [role(5.3, 'primary', 'down'), role(5.8, 'down', 'primary')];
  expect(silent(east, rate(10, 20), faults, returned)).toHaveLength(1);
});

describe('the activity of a history', () => {
  const every = (us: number, fromS: number, untilS: number, part: object) =>
    Array.from({ length: ((untilS - fromS) * S) / us }, (_, at) => ({
      invokedUs: fromS * S + at * us,
      completedUs: fromS * S + at * us + 1_000,
      ...part,
    }));

  it('is of what was decided, and ends with the load', () => {
    const { operations } = historyOf([
      ...every(20_000, 0, 4, { region: 'east' }),
      ...every(20_000, 4, 8, { region: 'east', outcome: 'failed' }),
      ...every(20_000, 0, 8, { region: 'west', outcome: 'denied' }),
    ]);
    const [found, ...others] = silentRegions(countActivity(operations, S), { faults: [] });
    expect(others).toEqual([]);
    expect(found && silenceText(found)).toMatch(
      /^east decided 0 requests from 4\.\d s to 7\.\d s, where about \d+ were expected and no fault was in force/,
    );
  });

  it.each([
    { title: 'of a load that ends', untilS: 6 },
    { title: 'of a load that is interrupted', untilS: 3 },
  ])('says nothing $title', ({ untilS }) => {
    const { operations } = historyOf([
      ...every(20_000, 0, untilS, { region: 'east' }),
      ...every(20_000, 0, untilS, { region: 'west' }),
    ]);
    expect(silentRegions(countActivity(operations, S), { faults: [] })).toEqual([]);
  });
});
