import { expect, it } from 'vitest';
import { parseScenario } from '../parse.ts';
import { FAULT_NAMES, type FaultSpec } from './index.ts';

const ROWS: readonly { readonly written: string; readonly want: FaultSpec }[] = [
  {
    written: 'fault: partition, isolate: [eu-west]',
    want: { fault: 'partition', mode: 'blackhole', isolate: ['eu-west'] },
  },
  {
    written: 'fault: partition, mode: refuse, split: [[eu-west], [us-east, ap-south]]',
    want: { fault: 'partition', mode: 'refuse', split: [['eu-west'], ['us-east', 'ap-south']] },
  },
  {
    written: 'fault: partition, from: [eu-west], to: [us-east]',
    want: { fault: 'partition', mode: 'blackhole', from: ['eu-west'], to: ['us-east'] },
  },
  {
    written: 'fault: flap, bridge: [eu-west, us-east], down: 500ms, up: 1s',
    want: { fault: 'flap', mode: 'blackhole', bridge: ['eu-west', 'us-east'], downMs: 500, upMs: 1_000 },
  },
  {
    written: 'fault: latency, between: [eu-west, us-east], add: 1.5s, jitter: 10ms, ramp: 1s',
    want: { fault: 'latency', between: ['eu-west', 'us-east'], addMs: 1_500, jitterMs: 10, rampMs: 1_000 },
  },
  {
    written: 'fault: bandwidth, between: [eu-west, us-east], rate: 2.5KB/s',
    want: { fault: 'bandwidth', between: ['eu-west', 'us-east'], rateKBps: 2.5 },
  },
  { written: 'fault: drop-reply, regions: [eu-west]', want: { fault: 'drop-reply', regions: ['eu-west'] } },
  { written: 'fault: kill, node: eu-west-0', want: { fault: 'kill', node: 'eu-west-0' } },
  { written: 'fault: restart, node: eu-west-0', want: { fault: 'restart', node: 'eu-west-0' } },
  { written: 'fault: restart-empty, node: eu-west-1', want: { fault: 'restart-empty', node: 'eu-west-1' } },
  { written: 'fault: pause, node: eu-west-0', want: { fault: 'pause', node: 'eu-west-0' } },
  { written: 'fault: failover, node: eu-west-1', want: { fault: 'failover', node: 'eu-west-1' } },
  {
    written: 'fault: gateway-clock, region: eu-west, offset: -2s',
    want: { fault: 'gateway-clock', region: 'eu-west', offsetMs: -2_000 },
  },
  {
    written: 'fault: node-clock, node: eu-west-0, step: 1h',
    want: { fault: 'node-clock', node: 'eu-west-0', stepMs: 3_600_000 },
  },
];

it.each(ROWS)('a scenario can have the fault {$written}', ({ written, want }) => {
  const text = `# why\nclaims: [total-excess <= 0]\nfaults: [{${written}, at: 5s, for: 8s}]\n`;
  const { faults } = parseScenario(text, { file: 'some.yaml' });
  expect(faults).toEqual([{ ...want, atMs: 5_000, forMs: 8_000 }]);
});

it('each fault has a row here', () =>
  expect(new Set(ROWS.map(({ want }) => want.fault))).toEqual(new Set(FAULT_NAMES)));
