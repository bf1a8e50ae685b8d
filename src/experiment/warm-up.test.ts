import { describe, expect, it } from 'vitest';
import { withRegions } from '../rating/homes.ts';
import { parseScenario } from '../scenario/parse.ts';
import { shapeOf } from './plan-file.ts';
import { warmUpShape, warmUpUsers } from './warm-up.ts';

function plan(written: object) {
  const text = `# why\n${JSON.stringify({ claims: ['total-excess <= 0'], ...written })}`;
  return parseScenario(text, { file: 'x.yaml' });
}

function shape(written: object) {
  return shapeOf(plan(written));
}

describe('the load of a warm-up', () => {
  const warmUp = (load: object) => {
    const { mode, ratePerSecond, peaks, connections } = warmUpShape(plan({ load }));
    return { mode, ratePerSecond, peaks, connections };
  };

  it('is closed where the load is', () =>
    expect(warmUp({ connections: 70 })).toMatchObject({ mode: 'closed', connections: 70 }));

  it('has the rate of an open load, and not its peaks: a slow limiter begins without a queue', () => {
    const open = { mode: 'open', rate: 300, peaks: { rate: 1_500, every: '4s', for: '500ms' } };
    expect(warmUp(open)).toMatchObject({ mode: 'open', ratePerSecond: 300, peaks: undefined });
  });

  it('has ten requests a second in each region where the load has fewer', () =>
    expect(warmUp({ mode: 'open', rate: 2 })).toMatchObject({ mode: 'open', ratePerSecond: 30 }));
});

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
