import { expect, it } from 'vitest';
import { withRegions } from './homes.ts';

const { regionOf } = withRegions({
  format: 'openclaw-homes',
  version: 1,
  regions: { a: { slots: '0-8191' }, 'eu-west': { slots: '8192-16383' } },
});

it.each([
  ['a.u1', 'a'],
  ['eu-west.u1.x', 'eu-west'],
  ['u1', undefined],
  ['b.u1', undefined],
  ['.a', undefined],
  ['a', undefined],
  ['constructor.u1', undefined],
])('the home of %s is %s', (user, home) => {
  expect(regionOf({ user, endpoint: 'ratings' })).toBe(home);
});
