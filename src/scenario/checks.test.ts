import { expect, it } from 'vitest';
import { DEFAULT_TOPOLOGY, planTopology } from '../topology/topology.ts';
import { checkFault } from './checks.ts';
import type { FaultSpec } from './faults/index.ts';
import { parseScenario } from './parse.ts';

const topology = planTopology(DEFAULT_TOPOLOGY);
const cut = { fault: 'partition', mode: 'refuse' } as const;
const REGIONS = 'us-east, eu-west, ap-south';

it.each<{ title: string; fault: FaultSpec; says: string }>([
  {
    title: 'a region that is not there',
    fault: { ...cut, isolate: ['mars'] },
    says: `isolate[0]: expected one of the regions ${REGIONS}; found "mars"`,
  },
  {
    title: 'an unknown region of replies',
    fault: { fault: 'drop-reply', regions: ['eu-wset'] },
    says: `regions[0]: expected one of the regions ${REGIONS}; found "eu-wset"; did you mean "eu-west"?`,
  },
  {
    title: 'the clock of a service nowhere',
    fault: { fault: 'gateway-clock', region: 'x', offsetMs: 1 },
    says: `region: expected one of the regions ${REGIONS}; found "x"`,
  },
  {
    title: 'a node that is not there',
    fault: { fault: 'kill', node: 'us-east-9' },
    says: 'node: expected one of the nodes: us-east-0, eu-west-0, ap-south-0, eu-west-1, ap-south-1, us-east-1; found "us-east-9"; did you mean "us-east-0"?',
  },
  {
    title: 'a region and itself',
    fault: { fault: 'bandwidth', between: ['us-east', 'us-east'], rateKBps: 1 },
    says: 'between: expected a list of two different regions; found "us-east us-east"',
  },
  {
    title: 'three regions of a bridge',
    fault: { ...cut, bridge: ['us-east', 'eu-west', 'ap-south'] as never },
    says: 'bridge: expected a list of two different regions; found "us-east eu-west ap-south"',
  },
  {
    title: 'a region in two groups',
    fault: { ...cut, split: [['us-east'], ['us-east', 'eu-west']] },
    says: 'split: expected groups that share no region; found "us-east us-east eu-west"',
  },
  {
    title: 'a split into one group',
    fault: { ...cut, split: [['us-east', 'eu-west']] },
    says: `this partition affects no link between the regions ${REGIONS}`,
  },
  {
    title: 'from a region to itself',
    fault: { ...cut, from: ['us-east'], to: ['us-east'] },
    says: `this partition affects no link between the regions ${REGIONS}`,
  },
])('a running cluster is refused $title', ({ fault, says }) => {
  expect(() => checkFault(fault, topology)).toThrow(
    expect.objectContaining({ message: says, code: 'INVALID_OPTION' }),
  );
});

it('takes any node of a running cluster, since failovers change which are primaries', () =>
  expect(() => checkFault({ fault: 'failover', node: 'us-east-0' }, topology)).not.toThrow());

it.each([
  { faults: ['eu-west-1 3s', 'us-east-0 7s'], isFine: true },
  { faults: ['us-east-0 7s'], isFine: false },
  { faults: ['eu-west-1 7s', 'us-east-0 3s'], isFine: false },
  { faults: ['ap-south-1 3s', 'us-east-0 7s'], isFine: false },
])('failovers $faults: a former primary can take over again', ({ faults, isFine }) => {
  const written = faults
    .map((fault) => fault.split(' '))
    .map(([node, at]) => `{fault: failover, node: ${node}, at: ${at}, for: 2s}`);
  const parse = () =>
    parseScenario(`# why\nclaims: [info <= 5%]\nfaults: [${written.join(', ')}]`, { file: 'some.yaml' });
  if (isFine) expect(parse().faults).toHaveLength(2);
  else expect(parse).toThrow(/expected one of the replicas/);
});
