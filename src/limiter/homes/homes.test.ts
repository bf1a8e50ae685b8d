import { describe, expect, it } from 'vitest';
import { readBuckets } from '../options/buckets.ts';
import { memoryKey } from '../options/key.ts';
import { keySlot } from '../redis/hash-slot.ts';
import { type HomesOptions, readHomes } from './homes.ts';

const regions = {
  'us-east': { slots: '0-5461', nodes: ['127.1.1.1:7000'] },
  'eu-west': { slots: '5462-10922' },
  'ap-south': { slots: '10923-16383' },
};
const options: HomesOptions = {
  format: 'openclaw-homes',
  version: 1,
  regions,
  regionOf: ({ user }) => (user.includes('.') ? user.split('.')[0] : undefined),
};
const subject = (user: string) => ({ user, endpoint: 'ratings' });

describe('a bucket with a home', () => {
  const homes = readHomes(options, 'rate');

  it('has a key in a slot of its region', () => {
    const home = homes.homeOf(subject('us-east.ada'));
    expect(home).toEqual({
      region: 'us-east',
      slot: 4316,
      key: 'rate:{4N9}:us-east.ada:ratings',
      nodes: ['127.1.1.1:7000'],
    });
    expect(keySlot(home?.key ?? '')).toBe(home?.slot);
  });

  it('has the keys of its decisions in the same slot', () => {
    for (const user of ['eu-west.ada', 'eu-west.{x}', 'eu-west.a:b', 'bob', '{bob}']) {
      const key = readBuckets({ policy: '20:5/s', prefix: 'rate', homes: options }).keyOf(subject(user));
      const keys = (['take', 'refund', 'reserve'] as const).map((what) => memoryKey(key, what, 'id-1'));
      expect(keys.map(keySlot)).toEqual(keys.map(() => keySlot(key)));
    }
  });

  it('has the key of before without a home', () => {
    const { keyOf } = readBuckets({ policy: '20:5/s', prefix: 'rate', homes: options });
    expect(keyOf(subject('bob'))).toBe('rate:bob:ratings');
    expect(homes.homeOf(subject('bob'))).toBeUndefined();
    expect(homes.keyIn(subject('bob'), undefined)).toBe('rate:bob:ratings');
  });

  it('has a key for each region', () => {
    const keys = Object.keys(regions).map((region) => homes.keyIn(subject('eu-west.ada'), region));
    expect(keys.map((key) => Math.floor((keySlot(key) * 3) / 16_384))).toEqual([0, 1, 2]);
  });

  it('is refused in a region that is not in the table', () => {
    const refused = expect.objectContaining({
      code: 'INVALID_OPTION',
      message:
        'the home of a subject must be one of us-east, eu-west, ap-south, or undefined; found "sa-east"',
    });
    expect(() => homes.homeOf(subject('sa-east.ada'))).toThrow(refused);
    expect(() => homes.keyIn(subject('ada'), 'sa-east')).toThrow(refused);
  });

  it('never asks regionOf for an invalid subject', () => {
    const strict = readHomes({ ...options, regionOf: () => expect.fail('asked') }, 'rate');
    expect(() => strict.homeOf({ user: '', endpoint: 'e' })).toThrow(/user must be a non-empty string/);
  });
});
