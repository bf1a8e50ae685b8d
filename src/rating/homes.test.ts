import { expect, it } from 'vitest';
import { withRegions } from './homes.ts';

const FORMAT = { format: 'openclaw-homes', version: 1 };
const { regionOf } = withRegions({
  ...FORMAT,
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

it('refuses a region whose name has a dot: no user would have it as its home', () => {
  const regions = { a: { slots: '0-8191' }, 'eu.west.1': { slots: '8192-16383' } };
  expect(() => withRegions({ ...FORMAT, regions })).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('region eu.west.1 has a dot in its name'),
      hint: expect.stringContaining('for example eu-west-1'),
    }),
  );
});
