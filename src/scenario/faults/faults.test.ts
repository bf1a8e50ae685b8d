import { describe, expect, it } from 'vitest';
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
  {
    written: 'fault: restart-service, region: eu-west',
    want: { fault: 'restart-service', region: 'eu-west' },
  },
  {
    written: 'fault: restart-service, region: eu-west, instance: 1',
    want: { fault: 'restart-service', region: 'eu-west', instance: 1 },
  },
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
  { written: 'fault: store-outage', want: { fault: 'store-outage', mode: 'refuse' } },
  {
    written: 'fault: store-outage, mode: blackhole, regions: [eu-west, us-east]',
    want: { fault: 'store-outage', mode: 'blackhole', regions: ['eu-west', 'us-east'] },
  },
  {
    written: 'fault: move-slots, from: eu-west, to: us-east',
    want: { fault: 'move-slots', from: 'eu-west', to: 'us-east', slots: 100 },
  },
  {
    written: 'fault: move-slots, from: eu-west, to: us-east, slots: 7',
    want: { fault: 'move-slots', from: 'eu-west', to: 'us-east', slots: 7 },
  },
  { written: 'fault: slow-store', want: { fault: 'slow-store', latencyMs: 2_000 } },
  {
    written: 'fault: slow-store, latency: 500ms, regions: [eu-west]',
    want: { fault: 'slow-store', latencyMs: 500, regions: ['eu-west'] },
  },
  {
    written: "fault: command, inject: ./cut.sh, heal: 'ssh gw ''./mend.sh''', until: ./is-cut.sh, limit: 2m",
    want: {
      ...{ fault: 'command', inject: './cut.sh', heal: "ssh gw './mend.sh'" },
      ...{ until: './is-cut.sh', limitMs: 120_000 },
    },
  },
];

it.each(ROWS)('a scenario can have the fault {$written}', ({ written, want }) => {
  const text = `# why\nclaims: [total-excess <= 0]\nfaults: [{${written}, at: 5s, for: 8s}]\n`;
  const { faults } = parseScenario(text, { file: 'some.yaml' });
  expect(faults).toEqual([{ ...want, atMs: 5_000, forMs: 8_000 }]);
});

describe('a fault by commands', () => {
  const plan = (written: string) =>
    parseScenario(
      `# why\nclaims: [total-excess <= 0]\nfaults: [{fault: command, at: 5s, for: 8s, ${written}}]`,
      {
        file: 'some.yaml',
      },
    );

  it.each([
    {
      written: 'inject: x',
      says: 'heal: expected the command that undoes inject, or true if there is nothing to undo; found nothing',
    },
    { written: 'inject: x, heal: false', says: 'heal: expected the command that undoes inject, or true if' },
    { written: "inject: x, heal: ' '", says: 'heal: expected the command that undoes inject, or true if' },
    { written: 'heal: x', says: 'inject: expected a command for sh; found nothing' },
    { written: 'inject: "a\\0b", heal: x', says: 'inject: expected a command for sh' },
    ...[
      ['[]', 'proof: expected a command for sh, or a probe with one place'],
      ['{ probe: unreachable }', 'proof: expected a command for sh, or a probe with one place'],
      ['{ probe: quake, node: b }', 'proof.probe: expected one of unreachable, failover, latency, restart'],
      ...[
        '{ probe: unreachable, region: a, node: b }',
        '{ probe: latency, node: b }',
        '{ probe: restart, service: a }',
        '{ probe: failover, node: b, by: 1s }',
      ].map((proof) => [proof, 'proof: expected a command for sh, or a probe with one place']),
    ].map(([proof, says]) => ({ written: `inject: x, heal: x, proof: ${proof}`, says })),
    { written: 'inject: x, heal: x, limit: 1ms', says: 'limit: expected a time like' },
  ])('is refused: {$written}', ({ written, says }) => expect(() => plan(written)).toThrow(says));

  it('has nothing to undo with heal: true', () =>
    expect(plan('inject: x, heal: true').faults).toMatchObject([{ heal: 'true', limitMs: 60_000 }]));

  it.each([
    { proof: './is-cut.sh', want: { proof: './is-cut.sh' } },
    {
      proof: '{ probe: unreachable, region: eu-west }',
      want: { probe: { probe: 'unreachable', region: 'eu-west' } },
    },
    {
      proof: '{ probe: latency, service: a, by: 1s }',
      want: { probe: { probe: 'latency', service: 'a', byMs: 1_000 } },
    },
    { proof: '{ probe: failover, node: b }', want: { probe: { probe: 'failover', node: 'b' } } },
  ])('is proved by $proof', ({ proof, want }) =>
    expect(plan(`inject: x, heal: x, proof: ${proof}`).faults).toEqual([
      { fault: 'command', inject: 'x', heal: 'x', limitMs: 60_000, atMs: 5_000, forMs: 8_000, ...want },
    ]),
  );

  it('does not overlap with the same command, but with any other', () => {
    const two = (second: string) =>
      plan(`inject: x, heal: x}, {fault: command, at: 6s, for: 8s, inject: ${second}, heal: y`);
    expect(() => two('x')).toThrow(
      'can overlap and both change what "x" changes; healing one would heal the other',
    );
    expect(two('y').faults).toHaveLength(2);
  });
});

it('each fault has a row here', () =>
  expect(new Set(ROWS.map(({ want }) => want.fault))).toEqual(new Set(FAULT_NAMES)));
