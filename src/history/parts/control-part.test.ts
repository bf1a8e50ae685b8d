import { describe, expect, it } from 'vitest';
import { controlOf, historyOfParts, partOf } from '../../../test/support/part-history.ts';
import { incompleteTexts } from './part-texts.ts';

const fault = { type: 'fault', fault: 'command', phase: 'inject', atUs: 7 } as const;
const problem = { type: 'event', event: 'problem', atUs: 8, args: { text: 'a task ended early' } } as const;
const control = { part: controlOf(), records: [fault, problem] };
const withControl = { part: partOf('a', { control: true }) };
const b = { part: partOf('b') };

describe('the control part of a run', () => {
  it('sends no load: it is beside the other parts, and its faults and events have its machine', () => {
    const { parts, faults, events, end } = historyOfParts([withControl, b, control]);
    expect(parts).toMatchObject({
      files: [{ part: 'a' }, { part: 'b' }],
      control: { file: '2.ndjson', part: 'control part', machine: 'machine-a', isComplete: true },
      ...{ missing: [], cutShort: [], isWhole: true },
    });
    expect([faults[0]?.machine, events[0]?.machine, events[0]?.part]).toEqual([
      'machine-a',
      'machine-a',
      'control part',
    ]);
    expect(end?.sent).toBe(0);
  });

  it('may be beside a region that is called control', () => {
    const of = ['a', 'control'];
    const region = { part: partOf('control', { of }), operations: [{}] };
    const { parts, operations } = historyOfParts([
      { part: partOf('a', { of, control: true }) },
      region,
      { part: controlOf({ of }) },
    ]);
    expect([parts?.isWhole, parts?.files.map(({ part }) => part)]).toEqual([true, of]);
    expect(operations.rows).toBe(1);
  });

  it('is no part that a run must have, unless a part says that there is one', () => {
    expect(historyOfParts([{}, b]).parts?.isWhole).toBe(true);
    expect(historyOfParts([withControl, b]).parts).toMatchObject({
      missing: ['control part'],
      isWhole: false,
    });
  });

  it.each([
    {
      title: 'is missing',
      files: [withControl, b],
      leftOut: [],
      says: /^the control part is missing, and with it the faults of the run: false denials, replay/,
    },
    {
      title: 'was cut short',
      files: [{}, b, { ...control, isCut: true }],
      leftOut: [],
      says: /^the control part was cut short, since its file has no end/,
    },
    {
      title: 'was altered',
      files: [withControl, b],
      leftOut: [{ file: 'c', part: 'control part', why: 'altered' }],
      says: /^the control part is missing, since its file was altered/,
    },
    {
      title: 'is there twice',
      files: [{}, b, control],
      leftOut: [{ file: 'c', part: 'control part', why: 'double' }],
      says: /^c is left out: it has the control part, but is no copy of 2.ndjson/,
    },
  ] as const)('makes the run incomplete if it $title', ({ files, leftOut, says }) => {
    const { parts } = historyOfParts(files, { leftOut });
    expect(parts?.isWhole).toBe(false);
    expect(parts && incompleteTexts(parts)).toEqual([expect.stringMatching(says)]);
  });

  it.each([
    {
      title: 'an operation',
      files: [{}, b, { ...control, operations: [{}], sent: 0 }],
      why: /an operation in a control part; only parts that send load have operations/,
    },
    {
      title: 'requests that it sent',
      files: [{}, b, { ...control, sent: 1 }],
      why: /a control part sends no requests, so sent must be 0; found 1/,
    },
    {
      title: 'a second one',
      files: [{}, b, control, control],
      why: /the control part was read already, from another file/,
    },
  ])('is refused with $title', ({ files, why }) => {
    expect(() => historyOfParts(files)).toThrow(why);
  });

  it.each([
    { title: 'first', order: [1, 0] },
    { title: 'last', order: [0, 1] },
  ])('says nothing of the limiter and its clock: read $title', ({ order }) => {
    const load = { part: partOf('a', { of: ['a'] }), header: { refunds: 'none', clocks: 'one' } } as const;
    const own = {
      part: controlOf({ of: ['a'] }),
      header: { clocks: 'apart', clockSlackUs: 9_000, initial: 'unknown' },
    } as const;
    const { header } = historyOfParts(order.map((at) => [load, own][at] as typeof load));
    expect(header).toMatchObject({ initial: 'full', refunds: 'none', clocks: 'one' });
    expect(header.clockSlackUs).toBeUndefined();
  });
});
