import { expect, it } from 'vitest';
import { parseScenario } from '../scenario/parse.ts';
import { checkEnginePlan } from './check-engine-plan.ts';

const command = { fault: 'command', inject: './cut', heal: './mend', at: '1s', for: '1s' };

function check(written: object, { areNodesOurs = true } = {}) {
  const plan = parseScenario(`# why\n${JSON.stringify({ claims: ['info <= 5%'], ...written })}`, {
    file: 'x.yaml',
  });
  return () => checkEnginePlan(plan, { areNodesOurs });
}

it.each([
  { title: 'a cluster', written: {} },
  { title: 'a fault by command', written: { faults: [{ ...command, proof: './is-cut' }] } },
  { title: 'regions apart', written: { strategy: 'active-active' } },
  { title: 'one server that runs already', written: { topology: { kind: 'single' } }, areNodesOurs: false },
])('accepts $title', ({ written, areNodesOurs = true }) => {
  expect(check(written, { areNodesOurs })).not.toThrow();
});

it.each([
  { written: { topology: { kind: 'sentinel' } }, says: 'found a topology of kind sentinel' },
  { written: { homes: true }, says: 'no plan with homes' },
  {
    written: { faults: [{ fault: 'kill', node: 'us-east-0', at: '1s', for: '1s' }] },
    says: 'fault kill cannot run on an engine',
  },
  {
    written: { faults: [{ ...command, proof: { probe: 'unreachable', region: 'us-east' } }] },
    says: 'probe unreachable cannot look from this machine',
  },
  { written: { strategy: 'acked' }, areNodesOurs: false, says: 'needs the number of replicas' },
])('refuses: $says', ({ written, areNodesOurs = true, says }) => {
  expect(check(written, { areNodesOurs })).toThrow(says);
});
