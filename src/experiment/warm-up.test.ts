import { describe, expect, it } from 'vitest';
import { withRegions } from '../rating/homes.ts';
import { parseScenario } from '../scenario/parse.ts';
import { shapeOf } from './plan-file.ts';
import { warmUpUsers } from './warm-up.ts';

function shape(written: object) {
  return shapeOf(
    parseScenario(`# why\n${JSON.stringify({ claims: ['total-excess <= 0'], ...written })}`, {
      file: 'x.yaml',
    }),
  );
}

describe('the users of a warm-up', () => {
  it('are one in each region', () => {
    expect(warmUpUsers(shape({})).map(({ name, regions }) => [name, regions])).toEqual([
      ['warm-up-us-east', ['us-east']],
      ['warm-up-eu-west', ['eu-west']],
      ['warm-up-ap-south', ['ap-south']],
    ]);
  });

  it('have a home in each region, so that the connections of homes are warm', () => {
    const table = { format: 'openclaw-homes', version: 1 } as const;
    const regions = { 'us-east': { slots: '0' }, 'eu-west': { slots: '1' }, 'ap-south': { slots: '2' } };
    const { regionOf } = withRegions({ ...table, regions });
    const users = warmUpUsers(shape({ homes: true }));
    expect(users.map(({ name }) => regionOf({ user: name, endpoint: '/' }))).toEqual(Object.keys(regions));
    expect(users.map((user) => user.regions)).toEqual(Object.keys(regions).map((region) => [region]));
  });

  it('are one for all regions where the load has one', () => {
    expect(warmUpUsers(shape({ load: { users: 1, roaming: 1 } }))).toMatchObject([{ name: 'warm-up' }]);
  });
});

describe('the shape of a load', () => {
  it('has homes only where the plan has them', () => {
    expect([shape({ homes: true }).homes, 'homes' in shape({})]).toEqual([true, false]);
  });

  it('names the policies of a plan that has several', () => {
    expect(shape({ policies: { burst: '20:5/s', day: '100:1/s' } }).policies).toEqual(['burst', 'day']);
  });
});
