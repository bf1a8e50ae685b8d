import { describe, expect, it } from 'vitest';
import { controlOf, partOf } from '../../../test/support/part-history.ts';
import { chooseParts, type SeenFile } from './choose-parts.ts';

const seen = (file: string, changes: Partial<SeenFile> = {}): SeenFile => ({
  file,
  part: partOf(),
  digest: file,
  isAltered: false,
  ...changes,
});
const b = seen('b', { part: partOf('b') });
const otherPlan = { part: partOf('a', { plan: '0'.repeat(64) }) };
const cut = (file: string): SeenFile => ({ file, part: partOf(), isAltered: false });

describe('of the files of a run in parts', () => {
  it.each([
    { title: 'all are read', files: [seen('a'), b], read: ['a', 'b'], leftOut: [] },
    {
      title: 'histories that are no parts are read',
      files: [{ file: 'h', isAltered: false }],
      read: ['h'],
      leftOut: [],
    },
    {
      title: 'the control part is read, and a region may be called control',
      files: [seen('c', { part: controlOf() }), seen('x', { part: partOf('control') }), b],
      read: ['b', 'x', 'c'],
      leftOut: [],
    },
    {
      title: 'a second control part is left out',
      files: [seen('c', { part: controlOf() }), seen('x', { part: controlOf() }), b],
      read: ['b', 'c'],
      leftOut: ['x double'],
    },
    {
      title: 'one of another plan is left out',
      files: [seen('a'), b, seen('x', otherPlan)],
      read: ['a', 'b'],
      leftOut: ['x plan'],
    },
    {
      title: 'one of another run is left out',
      files: [seen('a'), b, seen('x', { part: partOf('a', { run: 'other' }) })],
      read: ['a', 'b'],
      leftOut: ['x run'],
    },
    {
      title: 'a copy is left out',
      files: [seen('a'), b, seen('x', { digest: 'a' })],
      read: ['a', 'b'],
      leftOut: ['x copy'],
    },
    {
      title: 'the second of two loads of a part is left out',
      files: [seen('a'), b, seen('x')],
      read: ['a', 'b'],
      leftOut: ['x double'],
    },
    {
      title: 'a complete one comes before one cut short',
      files: [cut('x'), seen('a'), b],
      read: ['a', 'b'],
      leftOut: ['x double'],
    },
    {
      title: 'the first of two that are cut short is read',
      files: [cut('a'), cut('x'), b],
      read: ['a', 'b'],
      leftOut: ['x double'],
    },
    {
      title: 'one that was altered is left out',
      files: [seen('a', { isAltered: true }), b],
      read: ['b'],
      leftOut: ['a altered'],
    },
    {
      title: 'the original of an altered one is read',
      files: [seen('x', { isAltered: true, digest: 'a' }), seen('a'), b],
      read: ['a', 'b'],
      leftOut: ['x altered'],
    },
    {
      title: 'an altered one of a second load is a double',
      files: [seen('x', { isAltered: true }), seen('a'), b],
      read: ['a', 'b'],
      leftOut: ['x double'],
    },
    {
      title: 'an altered header does not choose the run',
      files: [seen('x', { ...otherPlan, isAltered: true }), seen('a'), b],
      read: ['a', 'b'],
      leftOut: ['x plan'],
    },
  ])('$title', ({ files, read, leftOut }) => {
    const chosen = chooseParts(files);
    expect([chosen.files, chosen.leftOut.map(({ file, why }) => `${file} ${why}`)]).toEqual([read, leftOut]);
  });

  it.each([
    {
      title: 'with a history of its own',
      files: [seen('a'), { file: 'h', isAltered: false }],
      why: /^h: it is a history of its own, and a is a part of run run$/,
    },
    {
      title: 'with another list of parts',
      files: [seen('a'), seen('b', { part: partOf('b', { of: ['a', 'b', 'c'] }) })],
      why: /^b: its list of parts differs from that of a/,
    },
    {
      title: 'that were all altered',
      files: [seen('a', { isAltered: true }), { ...b, isAltered: true }],
      why: /^a: it was altered .*, like all files of its run$/,
    },
    {
      title: 'with a name that a terminal would follow',
      files: [seen('a'), { file: 'h\x1b[2J', isAltered: false }],
      why: /^h\\u001b\[2J: it is/,
    },
  ])('those $title are refused', ({ files, why }) => {
    expect(() => chooseParts(files)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(why) }),
    );
  });
});
