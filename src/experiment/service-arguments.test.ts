import { expect, it } from 'vitest';
import { openExternal } from '../regions/external/external.ts';
import { parseEndpoints } from '../scenario/endpoints/parse.ts';
import { othersOf } from './service-arguments.ts';

const nodes = ['a', 'b', 'b', 'c'].map((region, at) => ({
  ...{ name: `${region}${at}`, region, address: `10.0.0.${at}:6379` },
}));

it('has the first node of each other region, whatever its place in an endpoints file', () => {
  const endpoints = parseEndpoints(JSON.stringify({ regions: ['a', 'b', 'c'], nodes }), 'x.yaml');
  const regions = openExternal(endpoints, { file: 'x.yaml' });
  expect(othersOf('a', regions)).toEqual({
    b: { host: '10.0.0.1', port: 6_379 },
    c: { host: '10.0.0.3', port: 6_379 },
  });
});
