import { describe, expect, it } from 'vitest';
import type { Header, HistoryRecord } from '../../../src/history/records/operation.ts';
import { operationOf } from '../../support/history.ts';
import { CORRECT } from '../planted/correct.ts';
import { certifyParts, complete, divided, type PartFiles } from './part-runs.ts';
import { verifyFiles } from './verified.ts';

const specimen = CORRECT.find(({ splits }) => splits !== true) as (typeof CORRECT)[number];
const { parts } = divided(specimen, 3);
const headerOf = (file: readonly HistoryRecord[]) => file[0] as Header;
const [first] = parts as [readonly HistoryRecord[]];

/** The control part of the run, with the readings of a machine of its own; it has some records more. */
function controlOf(
  more: readonly HistoryRecord[] = [],
  changes: Partial<Header> = {},
): readonly HistoryRecord[] {
  const header = headerOf(first);
  const pings = first.filter((record) => record.type === 'clock' && record.source === 'machine');
  const part = { ...header.part, name: 'control', kind: 'control', machine: 'machine-of-control' };
  return complete([
    { ...header, ...changes, part } as Header,
    ...pings,
    { type: 'fault', fault: 'command', phase: 'inject', atUs: 0 },
    ...more,
    { type: 'end', atUs: 0, sent: 0 },
  ]);
}

/** Of a run whose parts say that there is a control part. */
const demanding: PartFiles = parts.map((file) =>
  complete([
    { ...headerOf(file), part: { ...headerOf(file).part, control: true } } as Header,
    ...file.slice(1),
  ]),
);

describe('the certificate of a run with a control part', () => {
  it.each([
    { title: 'as the last file', files: [...demanding, controlOf()] },
    { title: 'as the first file', files: [controlOf(), ...demanding] },
    {
      title: 'whose clock has other allowances',
      files: [...parts, controlOf([], { clockSlackUs: 5_000_000 })],
    },
    { title: 'that knows no first level', files: [...parts, controlOf([], { initial: 'unknown' })] },
  ])('proves as much as without it: $title', async ({ files }) => {
    const certificate = certifyParts(files);
    const { proved } = certifyParts(parts).at(-1) as unknown as Record<string, number>;
    const { counts, refused } = await verifyFiles(files, certificate);
    expect([...refused]).toEqual([]);
    expect(proved).toBeGreaterThan(0);
    expect(counts).toMatchObject({
      proved,
      operations: parts.flat().filter(({ type }) => type === 'op').length,
    });
  });

  it('is not verified without it, and proves nothing', async () => {
    expect(certifyParts(demanding).at(-1)).toMatchObject({ proved: 0 });
    const certificate = certifyParts([...demanding, controlOf()]);
    await expect(verifyFiles(demanding, certificate)).rejects.toThrow(
      /the run has the parts .*control part; found/,
    );
  });

  it.each([
    {
      title: 'two of them',
      files: [...parts, controlOf(), controlOf()],
      why: /found .*control part, control part/,
    },
    {
      title: 'an operation in it',
      files: [...parts, controlOf([operationOf(0, { bucket: 'b' })])],
      why: /the control part has an operation/,
    },
    {
      title: 'one that was altered',
      files: [...parts, controlOf().map((one) => (one.type === 'fault' ? { ...one, atUs: 1 } : one))],
      why: /the control part was cut short, or altered/,
    },
    {
      title: 'one that was cut short',
      files: [...parts, controlOf().slice(0, -1)],
      why: /the control part was cut short, or altered/,
    },
    {
      title: 'one that has not read the clock',
      files: [...parts, complete(controlOf().filter(({ type }) => type !== 'clock'))],
      why: /the control part has no reading of the clock/,
    },
  ])('is refused with $title', async ({ files, why }) => {
    await expect(verifyFiles(files, certifyParts([...parts, controlOf()]))).rejects.toThrow(why);
  });
});
