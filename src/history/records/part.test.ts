import { describe, expect, it } from 'vitest';
import { headerOf } from '../../../test/support/history.ts';
import type { Header } from './operation.ts';
import { parseRecord } from './parse-record.ts';

const PART = {
  run: 'r-1',
  plan: 'a'.repeat(64),
  name: 'eu-west',
  of: ['us-east', 'eu-west'],
  machine: '0123456789ab',
};

function parsed(changes: Readonly<Record<string, unknown>>) {
  const record = parseRecord({ ...headerOf(), part: { ...PART, ...changes } });
  return (record as Header).part;
}

describe('the part of a header', () => {
  it.each([
    { title: 'one of several regions', changes: {} },
    { title: 'with the task that made it', changes: { task: 'load.2.x9' } },
    {
      title: 'the second of three of a region',
      changes: { name: 'eu-west:2/3', of: ['us-east', 'eu-west:1/3', 'eu-west:2/3', 'eu-west:3/3'] },
    },
    { title: 'the control part', changes: { name: 'control', kind: 'control' } },
    { title: 'one of a run with a control part', changes: { control: true } },
    {
      title: 'a region that is called control',
      changes: { name: 'control', of: ['us-east', 'control'], control: true },
    },
    {
      title: 'one of a thousand',
      changes: { name: 'r0', of: Array.from({ length: 1_000 }, (_, at) => `r${at}`) },
    },
  ])('is read: $title', ({ changes }) => {
    expect(parsed(changes)).toEqual({ ...PART, ...changes });
  });

  it('is read as fast in each of a thousand files of one region', { timeout: 15_000 }, () => {
    const of = Array.from({ length: 1_000 }, (_, at) => `eu:${at + 1}/1000`);
    for (const name of of.slice(0, 100)) expect(parsed({ name, of })).toMatchObject({ name });
  });

  it.each([
    { title: 'another type', part: 'eu-west', why: /part must be an object; found "eu-west"/ },
    { title: 'a list', part: [PART], why: /part must be an object/ },
  ])('is refused: $title', ({ part, why }) => {
    expect(() => parseRecord({ ...headerOf(), part })).toThrow(why);
  });

  it.each([
    {
      title: 'another kind',
      changes: { kind: 'load' },
      why: /part.kind must be "control", or absent; found "load"/,
    },
    {
      title: 'a control part with another name',
      changes: { kind: 'control' },
      why: /part.name of a control part must be "control"; found "eu-west"/,
    },
    {
      title: 'control that is no part',
      changes: { control: 1 },
      why: /part.control must be true, or absent/,
    },
    { title: 'no name', changes: { name: undefined }, why: /name must be a text; found undefined/ },
    {
      title: 'a name that is not in the list',
      changes: { name: 'ap' },
      why: /must be one of part.of; found "ap"/,
    },
    { title: 'no list', changes: { of: undefined }, why: /list of 1 to 1000 part names; found undefined/ },
    { title: 'an empty list', changes: { of: [] }, why: /found a list of 0/ },
    {
      title: 'a huge list',
      changes: { of: Array.from({ length: 1_001 }, (_, at) => `r${at}`) },
      why: /found a list of 1001/,
    },
    { title: 'a name twice', changes: { of: ['eu-west', 'eu-west'] }, why: /a name twice/ },
    { title: 'a number', changes: { of: ['eu-west', 7] }, why: /names like eu-west .* found 7/ },
    { title: 'a path', changes: { of: ['eu-west', '../../etc'] }, why: /names like eu-west .* found/ },
    {
      title: 'an escape of a terminal',
      changes: { of: ['eu-west', '\x1b[31m'] },
      why: /found "\\u001b\[31m"$/,
    },
    { title: 'the fourth of three', changes: { of: ['eu-west', 'us:4/3'] }, why: /found "us:4\/3"/ },
    { title: 'a leading zero', changes: { of: ['eu-west', 'us:01/1'] }, why: /found "us:01\/1"/ },
    {
      title: 'one of two alone',
      changes: { of: ['eu-west', 'us:1/2'] },
      why: /has us:1\/2, but not us:2\/2/,
    },
    {
      title: 'a region whole and divided',
      changes: { of: ['eu-west', 'eu-west:1/1'] },
      why: /eu-west:1\/1 and eu-west; a region is whole or divided/,
    },
    {
      title: 'a run with a slash',
      changes: { run: 'a/b' },
      why: /run must be 1 to 64 characters .* found "a\/b"/,
    },
    { title: 'a run of dots', changes: { run: '..' }, why: /run must be .* the first a letter or digit/ },
    { title: 'a machine without a name', changes: { machine: '' }, why: /machine must be .* found ""/ },
    { title: 'NaN for a machine', changes: { machine: Number.NaN }, why: /machine must be .* found NaN/ },
    {
      title: 'a plan that is no digest',
      changes: { plan: 'A'.repeat(64) },
      why: /plan must be 64 characters of 0-9 and a-f/,
    },
    { title: 'a task that is no text', changes: { task: 7 }, why: /task must be a text; found 7/ },
  ])('is refused: $title', ({ changes, why }) => {
    expect(() => parsed(changes)).toThrow(why);
  });
});

describe('the records of a part', () => {
  it('are readings of another machine, which no file can attribute to a machine of its choice', () => {
    const reading = { type: 'clock', node: 'm0', atUs: 1, serverUs: 2, errorUs: 3 };
    expect(parseRecord({ ...reading, source: 'machine', machine: 'x' })).toEqual({
      ...reading,
      source: 'machine',
    });
  });

  it('are an end with a digest', () => {
    const end = { type: 'end', atUs: 1, sent: 0, digest: '0'.repeat(64) };
    expect(parseRecord(end)).toEqual(end);
    expect(() => parseRecord({ ...end, digest: 'f' })).toThrow(/digest must be 64 characters/);
  });
});
