import { describe, expect, it } from 'vitest';
import { OpenclawError } from '../core/errors.ts';
import { STRATEGY_NAMES } from '../core/strategies.ts';
import { FAULT_NAMES } from './faults/index.ts';
import { parseScenario } from './parse.ts';

const ABOUT = '# why anyone should care\n';
const CLAIMS = 'claims: [total-excess <= 0]\n';

const parse = (text: string, file = 'dir/some.yaml') => parseScenario(text, { file });

function refusal(text: string, file?: string): OpenclawError {
  try {
    parse(text, file);
  } catch (error) {
    if (error instanceof OpenclawError) return error;
    throw error;
  }
  throw new Error(`not refused: ${text.slice(0, 100)}`);
}

describe('a scenario file', () => {
  it('takes the defaults of bench for absent keys', () => {
    expect(parse(ABOUT + CLAIMS)).toEqual({
      format: 'openclaw-plan',
      version: 1,
      scenario: 'some',
      about: 'why anyone should care',
      seed: 1,
      topology: {
        regions: ['us-east', 'eu-west', 'ap-south'],
        replicas: 1,
        roundTripMs: {},
        jitterMs: 0,
        persistence: 'none',
        nodeTimeoutMs: 2_000,
      },
      policy: '20:5/s',
      strategy: 'central',
      load: {
        mode: 'closed',
        connections: 1_000,
        users: 200,
        skew: 0.7,
        roaming: 'auto',
        costs: [1],
        rampMs: 2_000,
        durationMs: 20_000,
      },
      faults: [],
      claims: [
        'total-excess <= 0',
        'contested >= 1',
        'sides >= 100%',
        'info <= 50%',
        'failed <= 90%',
        'headroom <= 50%',
      ],
    });
  });

  it('is read with every key', () => {
    const plan = parse(`# all of it
seed: 7
topology:
  regions: [a, b]
  replicas: 2
  roundTrip: {a:b: 12.5ms}
  jitter: 1ms
  persistence: aof
  nodeTimeout: 3s
policy: 100:100/min
strategy: acked
load: {mode: open, connections: 5, processes: 2, rate: 99.5, users: 3, skew: 0, roaming: 1, cost: [1, 2], ramp: 0s, warmUp: 100ms, duration: 1m}
claims:
  - p99(allowed) <= 250ms during partition
`);
    expect(plan.topology).toEqual({
      regions: ['a', 'b'],
      replicas: 2,
      roundTripMs: { 'a:b': 12.5 },
      jitterMs: 1,
      persistence: 'aof',
      nodeTimeoutMs: 3_000,
    });
    expect(plan).toMatchObject({ seed: 7, policy: '100:100/min', strategy: 'acked' });
    expect(plan.load).toEqual({
      mode: 'open',
      connections: 5,
      processes: 2,
      ratePerSecond: 99.5,
      users: 3,
      skew: 0,
      roaming: 1,
      costs: [1, 2],
      ...{ rampMs: 0, warmUpMs: 100 },
      durationMs: 60_000,
    });
  });

  it.each([
    { text: '{}', want: { share: 0.1, restMs: 4_000, burstMs: 500 } },
    { text: '{share: 0.5, rest: 2s, burst: 100ms}', want: { share: 0.5, restMs: 2_000, burstMs: 100 } },
  ])('reads users who rest: $text', ({ text, want }) => {
    expect(parse(`${ABOUT}load: {resting: ${text}}\n${CLAIMS}`).load.resting).toEqual(want);
  });

  it('may come from Windows', () => {
    const text = `\uFEFF${(ABOUT + CLAIMS).replaceAll('\n', '\r\n')}`;
    expect(parse(text, 'C:\\runs\\some.yaml')).toEqual(parse(ABOUT + CLAIMS));
  });

  it('gives way to a seed from outside', () => {
    expect(parseScenario(`${ABOUT}seed: 3\n${CLAIMS}`, { file: 'a.yaml', seed: 9 }).seed).toBe(9);
  });

  it('may have faults at the same time that change different things', () => {
    const { faults } = parse(`${ABOUT}${CLAIMS}faults:
  - {fault: partition, from: [eu-west], to: [us-east], at: 5s, for: 4s}
  - {fault: partition, from: [us-east], to: [eu-west], at: 5s, for: 4s}
  - {fault: latency, between: [us-east, eu-west], add: 40ms, at: 6s, for: 1s}
  - {fault: bandwidth, between: [us-east, eu-west], rate: 100KB/s, at: 6s, for: 1s}
  - {fault: partition, split: [[us-east], [ap-south]], at: 6s, for: 1s}
  - {fault: kill, node: eu-west-0, at: 6s, for: 1s}
  - {fault: failover, node: eu-west-1, at: 6s, for: 1s}
  - {fault: partition, from: [eu-west], to: [us-east], at: 9s, for: 4s}
`);
    expect(faults).toHaveLength(8);
  });

  it('is ordered by the times of its faults', () => {
    const { faults } = parse(`${ABOUT}${CLAIMS}faults:
  - {fault: kill, node: eu-west-0, at: 9s, for: 1s}
  - {fault: pause, node: us-east-1, at: 1s, for: 1500ms}
`);
    expect(faults).toEqual([
      { fault: 'pause', node: 'us-east-1', atMs: 1_000, forMs: 1_500 },
      { fault: 'kill', node: 'eu-west-0', atMs: 9_000, forMs: 1_000 },
    ]);
  });
});

describe('how long a fault lasts', () => {
  it.each(['0s', '0ms..5s'])('%s is refused, with its line', (length) =>
    expect(() =>
      parse(`${ABOUT}${CLAIMS}faults:\n  - {fault: kill, node: eu-west-0, at: 5s, for: ${length}}\n`),
    ).toThrow(/:\d+:\d+ faults\[0\]\.for: expected .* longer than 0/),
  );
});

const fault = (text: string, timing = 'at: 5s, for: 8s') => `faults:\n  - {fault: ${text}, ${timing}}\n`;

const twoFaults = (first: string, second: string) =>
  `faults:\n  - {fault: ${first}, at: 5s, for: 2s..3s}\n  - {fault: ${second}, at: 7500ms, for: 1s}\n`;

/** Every text stands below a first line with the why, and above a claim where it has none. */
describe('an error is reported with its place', () => {
  it.each([
    { text: 'polcy: 20:5/s', says: '2:1 polcy: unknown key "polcy"; did you mean "policy"?' },
    {
      text: 'q: 1',
      says: '2:1 q: unknown key "q"; known keys: seed, topology, policy, policies, strategy, limiter, onFailure, instances, homes, sample, load, faults, claims',
    },
    { text: '__proto__: {a: 1}', says: '2:1 __proto__: unknown key "__proto__"; known keys:' },
    {
      text: 'load:\n  users: 1\n  conections: 5',
      says: '4:3 load.conections: unknown key "conections"; did you mean "connections"?',
    },
    {
      text: 'load:\n  users: "20"',
      says: '3:10 load.users: expected a whole number from 1 to 10000000; found "20"',
    },
    {
      text: 'load:\n  users: 1.5',
      says: '3:10 load.users: expected a whole number from 1 to 10000000; found 1.5',
    },
    {
      text: 'load:\n  users: .inf',
      says: 'load.users: expected a whole number from 1 to 10000000; found Infinity',
    },
    { text: 'load: 5', says: '2:7 load: expected a mapping with the keys mode, from, connections,' },
    {
      text: 'load: {duration: 20}',
      says: '2:18 load.duration: expected a time like 500ms, 10s or 2m, from 100ms to 1h; found 20',
    },
    {
      text: 'load: {duration: 2h}',
      says: 'load.duration: expected a time like 500ms, 10s or 2m, from 100ms to 1h; found "2h"',
    },
    {
      text: 'load: {mode: opne, rate: 5}',
      says: 'load.mode: expected one of closed, open; found "opne"; did you mean "open"?',
    },
    { text: 'load:\n  mode: open', says: '2:1 load: an open load needs a rate' },
    { text: 'load:\n  rate: 5', says: '3:3 load.rate: only an open load has a rate' },
    {
      text: 'load:\n  peaks: {rate: 50, every: 4s, for: 1s}',
      says: '3:3 load.peaks: only an open load has peaks',
    },
    {
      text: 'load: {mode: open, rate: 5, peaks: {rate: 50, every: 1s, for: 1s}}',
      says: 'load.peaks.for: a peak must be shorter than its period (every)',
    },
    {
      text: 'load:\n  from: access.log\n  users: 20',
      says: '4:3 load.users: the log says this itself; remove users, or from',
    },
    { text: 'load:\n  from: access.log\n  mode: closed', says: '4:3 load.mode: the log says this itself' },
    {
      text: 'load: {from: {file: a.csv, format: cvs}}',
      says: 'load.from.format: expected one of history, csv,',
    },
    {
      text: 'load: {from: {file: a.csv, zone: CET}}',
      says: 'load.from.zone: expected UTC, or an offset like +01:00; found "CET"',
    },
    { text: 'load: {from: 5}', says: 'load.from: expected the file of a log, like access.log, or a mapping' },
    {
      text: 'load: {cost: 0}',
      says: 'load.cost: expected a whole number of tokens, at least 1, or a list of them; found 0',
    },
    {
      text: 'load: {cost: []}',
      says: 'load.cost: expected a whole number of tokens, at least 1, or a list of them; found an empty list',
    },
    {
      text: 'load: {cost: [1, 21]}',
      says: '2:8 load.cost: expected costs of at most the capacity of 20 tokens; found 21',
    },
    {
      text: 'strategy: article\nload: {cost: [1, 2]}',
      says: '3:8 load.cost: strategy article allows only a cost of 1 token; found 2',
    },
    { text: 'policy: 20', says: '2:9 policy: expected a policy as capacity:rate, like 20:5/s; found 20' },
    { text: 'policy: 20:5', says: '2:9 policy: a rate is written tokens/time' },
    {
      text: 'strategy: centrl',
      says: `2:11 strategy: expected one of ${STRATEGY_NAMES.join(', ')}; found "centrl"; did you mean "central"?`,
    },
    { text: 'seed: -1', says: '2:7 seed: expected a whole number from 0 to' },
    {
      text: 'topology: {regions: []}',
      says: '2:12 topology.regions: expected a list of regions, at least 1; found an empty list',
    },
    {
      text: 'topology: {regions: [A]}',
      says: '2:22 topology.regions[0]: expected a region name of a-z, 0-9 and -; found "A"',
    },
    {
      text: 'topology: {regions: [a, a]}',
      says: '2:1 topology: regions must be 1 to 100 different names',
    },
    {
      text: 'topology: {roundTrip: {a-b: 3ms}}',
      says: '2:24 topology.roundTrip.a-b: expected a mapping from two regions written a:b',
    },
    { text: 'topology: {roundTrip: {a:b: 3}}', says: 'topology.roundTrip["a:b"]: expected a time like' },
    {
      text: 'topology: {roundTrip: {us-east:mars: 3s}}',
      says: 'topology: a round trip must be a:b, with two of us-east, eu-west, ap-south',
    },
    {
      text: 'topology: {nodeTimeout: 100ms}',
      says: 'topology: the node timeout must be at least twice the longest round trip',
    },
    { text: 'claims: []', says: '2:1 claims: expected a list of claims, at least 1; found an empty list' },
    {
      text: 'claims:\n  - info <= 5%\n  - nonsense',
      says: '4:5 claims[1]: claim "nonsense": expected a measure, <= or >=, a limit and perhaps a phase',
    },
    {
      text: 'claims: total-excess <= 0',
      says: '2:9 claims: expected a list of claims, at least 1; found "total-excess <= 0"',
    },
    { text: 'faults: {fault: kill}', says: '2:1 faults: expected a list of faults; found a mapping' },
    { text: 'faults: [5]', says: '2:10 faults[0]: expected one of partition,' },
    {
      text: fault('partiton, isolate: [eu-west]'),
      says: `3:13 faults[0].fault: expected one of ${FAULT_NAMES.join(', ')}; found "partiton"; did you mean "partition"?`,
    },
    {
      text: fault('partition'),
      says: '3:5 faults[0]: expected exactly one of isolate, split, bridge, or from together with to; found none of them',
    },
    { text: fault('partition, from: [eu-west]'), says: 'or from together with to; found from' },
    {
      text: fault('flap, isolate: [eu-west], bridge: [eu-west, us-east], down: 1s, up: 1s'),
      says: 'or from together with to; found isolate and bridge',
    },
    {
      text: fault('partition, isolate: [eu-wset]'),
      says: '3:34 faults[0].isolate[0]: expected one of the regions us-east, eu-west, ap-south; found "eu-wset"; did you mean "eu-west"?',
    },
    {
      text: fault('partition, split: [[eu-west], [mars]]'),
      says: 'faults[0].split[1][0]: expected one of the regions us-east, eu-west, ap-south; found "mars"',
    },
    {
      text: fault('partition, split: [[eu-west], [eu-west]]'),
      says: 'faults[0].split: expected groups that share no region; found "eu-west eu-west"',
    },
    {
      text: fault('partition, isolate: [eu-west, eu-west]'),
      says: 'faults[0].isolate: expected a list of regions, each once; found "eu-west eu-west"',
    },
    {
      text: fault('latency, add: 1s, between: [eu-west, eu-west]'),
      says: 'faults[0].between: expected a list of two different regions; found "eu-west eu-west"',
    },
    {
      text: fault('bandwidth, rate: 5, between: [eu-west, us-east]'),
      says: 'faults[0].rate: expected a rate like 20KB/s; found 5',
    },
    {
      text: fault('gateway-clock, region: mars, offset: 1s'),
      says: 'faults[0].region: expected one of the regions',
    },
    {
      text: fault('restart-service, region: eu-west, instance: 2'),
      says: 'faults[0].instance: expected 1, the only one of its region; found 2',
    },
    {
      text: `instances: 3\n${fault('restart-service, region: eu-west, instance: 4')}`,
      says: 'faults[0].instance: expected at most 3, the instances of its region; found 4',
    },
    {
      text: 'instances: 21',
      says: 'instances: expected a whole number from 1 to 20; found 21',
    },
    {
      text: fault('gateway-clock, region: eu-west, offset: +1s'),
      says: 'faults[0].offset: expected a time like 500ms, 10s or 2m, or -2s; found "+1s"',
    },
    {
      text: fault('latency, add: 1s, between: [eu-west]'),
      says: 'faults[0].between: expected a list of two different regions; found a list',
    },
    {
      text: fault('partition, isolate: [us-east, eu-west, ap-south]'),
      says: '3:5 faults[0]: this partition affects no link between the regions us-east, eu-west, ap-south',
    },
    {
      text: `topology: {regions: [eu-west], replicas: 0}\n${fault('drop-reply, regions: [eu-west]')}`,
      says: 'faults[0]: this drop-reply affects no link between the regions eu-west',
    },
    {
      text: fault('kill'),
      says: '3:5 faults[0].node: expected a node name, like us-east-0; found nothing',
    },
    {
      text: fault('kill, node: eu-west-7'),
      says: '3:25 faults[0].node: expected one of the nodes: us-east-0, eu-west-0, ap-south-0, eu-west-1, ap-south-1, us-east-1; found "eu-west-7"; did you mean "eu-west-0"?',
    },
    {
      text: fault('failover, node: eu-west-0'),
      says: 'expected one of the replicas: eu-west-1, ap-south-1, us-east-1; found "eu-west-0"',
    },
    {
      text: fault('restart, node: eu-west-1'),
      says: 'expected one of the primaries that have a replica: us-east-0, eu-west-0, ap-south-0; found "eu-west-1"',
    },
    {
      text: `topology: {kind: single}\n${fault('restart, node: us-east-1')}`,
      says: 'faults[0].node: expected us-east-0, the only possible node; found "us-east-1"',
    },
    {
      text: `topology: {replicas: 0}\n${fault('failover, node: eu-west-1')}`,
      says: 'expected one of the replicas (this topology has none); found "eu-west-1"',
    },
    {
      text: fault('kill, node: eu-west-0', 'at: 15s, for: 6s'),
      says: '3:50 faults[0].for: must be healed by the end of the load, at 20s; found 21s (at + for)',
    },
    {
      text: fault('kill, node: eu-west-0', 'at: 5s..16s, for: 1s..5s'),
      says: 'at 20s; found 21s (at + for)',
    },
    {
      text: fault('kill, node: eu-west-0', 'at: 6s..3s, for: 1s'),
      says: 'faults[0].at: expected a time like 500ms, 10s or 2m, or a range to draw it from, like 3s..6s; found "6s..3s"',
    },
    {
      text: fault('kill, node: eu-west-0', 'for: 1s'),
      says: 'faults[0].at: expected a time like 500ms, 10s or 2m, or a range to draw it from, like 3s..6s; found nothing',
    },
    {
      text: twoFaults('partition, isolate: [eu-west]', 'drop-reply, regions: [us-east]'),
      says: '4:49 faults[1].at: this drop-reply and the partition of faults[0] can overlap and both change the traffic from us-east to eu-west; healing one would heal the other',
    },
    {
      text: twoFaults(
        'latency, between: [us-east, eu-west], add: 9ms',
        'latency, between: [eu-west, us-east], add: 9ms',
      ),
      says: 'both change the latency from us-east to eu-west',
    },
    {
      text: twoFaults('gateway-clock, region: eu-west, offset: 1s', 'restart-service, region: eu-west'),
      says: 'both change service 1 of eu-west',
    },
    {
      text: twoFaults('kill, node: us-east-0', 'pause, node: us-east-0'),
      says: 'both change the node us-east-0',
    },
    { text: 'seed: 1\nseed: 2', says: '3:1 Map keys must be unique' },
    { text: 'load: {users: 5', says: '3:1 Flow map in block collection must be' },
    {
      text: 'load: &a {users: 5}\ntopology: *a',
      says: '3:11 aliases (*name) are not supported; write the value out',
    },
    { text: 'load: !mine 5', says: '2:7 Unresolved tag: !mine' },
    { text: '\tload: 5', says: '2:1 Tabs are not allowed as indentation' },
    {
      text: 'seed: 1\n---\nseed: 2',
      says: '3:1 Source contains multiple documents; a scenario is one document',
    },
    { text: '- a', says: '2:1 expected a mapping with the keys seed,' },
  ])('$text', ({ text, says }) => {
    const { code, message, hint } = refusal(`${ABOUT}${text}\n${/^(claims|-|\t)/.test(text) ? '' : CLAIMS}`);
    expect(message).toContain(/^\d/.test(says) ? `dir/some.yaml:${says}` : says);
    expect(message).toMatch(/^dir\/some\.yaml:\d+:\d+ |^\d+ problems\n/);
    expect(code).toBe('INVALID_SCENARIO');
    expect(hint).toContain('scenarios/scenario.schema.json');
  });

  it('is all of it, in the order of the file, also across sections', () => {
    const { message } = refusal(`claims: [nonsense]
load: {users: many, rate: 5}
faults:
  - {fault: kill, node: nowhere, at: 5s, for: 80s}
  - {fault: kil, node: us-east-0, at: 5s, for: 1s}
policy: 20
`);
    expect(message.split('\n').map((line) => line.replace(/(some\.yaml:\S+ \S+) .*/, '$1'))).toEqual([
      '6 problems',
      '  dir/some.yaml:1:1 the',
      '  dir/some.yaml:1:10 claims[0]:',
      '  dir/some.yaml:2:15 load.users:',
      '  dir/some.yaml:4:25 faults[0].node:',
      '  dir/some.yaml:5:13 faults[1].fault:',
      '  dir/some.yaml:6:9 policy:',
    ]);
  });

  it.each([
    { title: 'no comment', text: CLAIMS, found: '"claims: [total-excess <= 0]"' },
    { title: 'an empty comment', text: `#\n${CLAIMS}`, found: '"#"' },
    {
      title: 'a line for the editor',
      text: `# yaml-language-server: $schema=./a\n${CLAIMS}`,
      found: '"# yaml-language',
    },
    { title: 'an essay', text: `# ${'a'.repeat(201)}\n${CLAIMS}`, found: '"# aaa' },
    { title: 'nothing at all', text: '', found: '""' },
  ])('wants a first line that says why, and finds $title', ({ text, found }) => {
    expect(refusal(text).message).toContain(
      `dir/some.yaml:1:1 the first line must be a comment that describes the scenario (at most 200 characters); found ${found}`,
    );
  });

  it.each(['some', '.yaml', 'a b.yaml', 'dir/-x.yaml', `${'a'.repeat(65)}.yaml`])(
    'refuses the name %s',
    (file) => expect(refusal(ABOUT + CLAIMS, file).message).toContain('expected a file name of letters'),
  );

  it('stays short for values that are long, nested or hostile', () => {
    expect(refusal(`${ABOUT}${CLAIMS}policy: "\\e[31m${'x'.repeat(9_999)}"`).message).not.toMatch(
      /\p{Cc}|x{99}/u,
    );
    expect(refusal(`${ABOUT}${CLAIMS}"\\e[31m${'x'.repeat(9_999)}": 1`).message).not.toMatch(/\p{Cc}|x{99}/u);
    expect(refusal(`${ABOUT}${CLAIMS}${fault(`latency, between: ${'x'.repeat(99)}`)}`).message).not.toMatch(
      /x{99}/,
    );
    expect(refusal(`${ABOUT}${'['.repeat(100_000)}`).message).toContain('nested too deeply');
    expect(refusal(`${ABOUT}seed: ${'['.repeat(2_000)}${']'.repeat(2_000)}`).message.length).toBeLessThan(
      500,
    );
    expect(refusal(`${ABOUT}${'#'.repeat(1_000_000)}`).message).toContain(
      'some.yaml:1:1 a scenario has at most 1000000 characters; this file has 1000025',
    );
  });

  it('refuses an alias bomb before it is unfolded', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `k${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
    expect(refusal(`${ABOUT}${levels.join('\n')}\n${CLAIMS}`).message).toContain(
      'aliases (*name) are not supported',
    );
  });
});
