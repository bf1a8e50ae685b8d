import { expect, it } from 'vitest';
import { parseNamed, parsePolicies } from '../../core/policies.ts';
import { makePolicy } from '../../core/policy.ts';
import { makeRandom, type Random } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import { STRATEGY_NAMES, type StrategyName, traitsOf } from '../../core/strategies.ts';
import { planDigest } from '../../experiment/parts/plan-digest.ts';
import { usersOf } from '../../experiment/play-run.ts';
import { FAULT_NAMES, type FaultSpec, isMomentary } from '../../scenario/faults/index.ts';
import { parseScenario } from '../../scenario/parse.ts';
import type { Plan } from '../../scenario/plan.ts';
import { scenarioOf } from '../../scenario/to-document.ts';
import { benchCommand } from '../commands/bench.ts';
import { chaosCommand } from '../commands/chaos.ts';
import type { Environment } from '../process/environment.ts';
import { formatCommand, type PlanFlags, planOfFlags } from './flag-plan.ts';

const PLANS = 500;

/** What is typed: a fault behind `chaos`, none behind `bench`. */
interface Typed {
  readonly flags: PlanFlags;
  readonly fault?: FaultSpec;
}

it(`makes the same plan again from the command line of a plan, of ${PLANS} at random`, async () => {
  const random = makeRandom(1, 'command lines');
  const seen = new Set<string | undefined>();
  for (let count = 0; count < PLANS; count++) {
    const typed = drawTyped(random, await typedIn(''));
    const plan = planOf(typed);
    const line = formatCommand(plan, typed.flags);
    const again = await typedIn(line);
    expect(planOf(again), line).toEqual(plan);
    expect(formatCommand(planOf(again), again.flags)).toBe(line);
    seen.add(typed.fault?.fault);
  }
  expect(seen).toEqual(new Set([undefined, ...FAULT_NAMES]));
});

it(`is of the same run as the file of a scenario that is made of it, of ${PLANS} at random`, async () => {
  const random = makeRandom(2, 'scenario documents');
  for (let count = 0; count < PLANS; count++) {
    const { load, ...plan } = planOf(drawTyped(random, await typedIn('')));
    const few = { ...plan, load: { ...load, users: Math.min(load.users, 200) } }; // they are drawn for the digest
    const { file, text, beside } = scenarioOf(few);
    const again = parseScenario(text, { file });
    expect(digestOf(again), text).toBe(digestOf(few));
    expect([again.about, again.faults]).toEqual([few.about, []]);
    expect(again.limiter).toBe(few.limiter === undefined ? undefined : `./${Object.keys(beside)[0]}`);
  }
});

const digestOf = (plan: Plan) => planDigest({ plan, users: usersOf({ plan }), of: plan.topology.regions });

it('repeats the engine, without the network that it does not simulate', async () => {
  const { flags } = await typedIn('openclaw-rl bench --engine swarm --lead 20 --clock-host [fd00::1]:7070');
  const line = formatCommand(planOf({ flags }), flags);
  expect(line).toContain(' --engine swarm --lead 20 --clock-host [fd00::1]:7070 ');
  expect(line).not.toMatch(/--round-trip|--jitter/);
  const again = await typedIn(line);
  expect(again.flags).toMatchObject({ clockHost: { host: 'fd00::1', port: 7_070 } });
  expect(formatCommand(planOf(again), again.flags)).toBe(line);
});

it('has the defaults of a scenario file where no flag is given', async () => {
  const { flags } = await typedIn('');
  const plan = planOf({ flags: { ...flags, claim: ['total-excess <= 0'], resting: 0 } });
  const file = parseScenario('# why\nclaims: [total-excess <= 0]', { file: 'bench.yaml' });
  const topology = { ...plan.topology, roundTripMs: {} }; // the flags fill in what a file leaves out
  expect({ ...plan, about: 'why', topology }).toEqual(file);
});

it.each([
  { flags: { connections: 2 }, says: /^--connections: expected one for each of the 3 regions; found 2$/ },
  {
    flags: { users: 2, roaming: 0.2 },
    says: /^--users: expected one for each of the 3 regions, or roaming 1; found 2$/,
  },
  {
    flags: { strategy: 'replica-reads', topology: 'single' },
    says: /^--topology: strategy replica-reads reads the replicas/,
  },
  {
    flags: { cost: { costs: [21] } },
    says: '--cost: expected costs of at most the capacity of 20 tokens; found 21',
  },
  {
    flags: { strategy: 'lease', policy: parsePolicies('burst=20:5/s, sustained=50:1/s') },
    says: '--policy: strategy lease supports one policy; found 2; give one, or use strategy central or acked',
  },
  {
    flags: {
      policy: parsePolicies('burst=20:5/s, sustained=50:1/s'),
      cost: { costs: [1], costsByPolicy: { burst: [21], sustaned: [1] } },
    },
    says: '--cost sustaned: expected one of the policies burst, sustained; found "sustaned"; did you mean "sustained"?',
  },
  { flags: { policy: [parseNamed('burst=20:5/s')] }, says: 'one policy has no name; found "burst"' },
  {
    flags: { policy: [parseNamed('burst=20:5/s'), parseNamed('5:1/s')] },
    says: 'several policies need names',
  },
  {
    flags: { strategy: 'acked', replicas: 0 },
    says: '--replicas: strategy acked waits for replicas; it needs at least 1, found 0',
  },
  {
    fault: { fault: 'partition', mode: 'refuse', isolate: ['mars'] },
    says: '--isolate: expected one of the regions us-east, eu-west, ap-south; found "mars"',
  },
  {
    fault: { fault: 'kill', node: 'us-east-0' },
    flags: { at: 19_500 },
    says: /19.5 s to 20.5 s does not fit/,
  },
] as const)('holds flags to what a file is held to: $says', async ({ flags, says, ...fault }) => {
  const typed = { flags: { ...(await typedIn('')).flags, ...flags }, ...fault };
  expect(() => planOf(typed as Typed)).toThrow(says);
});

function planOf({ flags, ...fault }: Typed) {
  const { limiter: file, promise = { type: 'token-bucket' } } = flags;
  const plugin = file === undefined ? undefined : { file, promise };
  return planOfFlags(flags, { running: undefined, plugin, ...fault });
}

let chosen: Typed | undefined;
const BENCH = benchCommand({} as Environment)
  .action(() => undefined)
  .exitOverride();
const CHAOS = chaosCommand({} as Environment, async (_, { fault, flags }) => {
  chosen = { flags, fault };
});

/** As a shell and the command read a line. */
async function typedIn(line: string): Promise<Typed> {
  const words = [...line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|\\(')/g, (_, inside = '', quote = '') => inside + quote),
  );
  if (words[1] !== 'chaos') return { flags: BENCH.parse(words.slice(2), { from: 'user' }).opts<PlanFlags>() };
  await CHAOS.parseAsync(words.slice(2), { from: 'user' });
  return chosen as Typed;
}

function dice(random: Random) {
  const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    whole,
    decimal: (least: number, most: number) => whole(least * 1_000, most * 1_000) / 1_000,
    oneOf: <T>(...values: readonly T[]) => values[whole(0, values.length - 1)] as T,
    maybe: <T extends object>(flag: T) => (random() < 0.3 ? flag : {}),
  };
}

function drawTyped(random: Random, { flags: defaults }: Typed): Typed {
  const { whole, oneOf } = dice(random);
  const flags = drawFlags(random, defaults);
  if (oneOf(true, false)) return { flags };
  const fault = drawFault(random, flags);
  const half = Math.floor(500 * flags.duration);
  const [at, length] = [whole(0, half), whole(1, half) - 0.5];
  return { fault, flags: { ...flags, ...(isMomentary(fault) ? { at: 0 } : { at, for: length }) } };
}

function drawFault(random: Random, { regions, strategy, instances = 1 }: PlanFlags): FaultSpec {
  const { whole, decimal, oneOf } = dice(random);
  const [here = '', there = '', third] = regions;
  const two = [here, there] as const;
  const hasReplicas = traitsOf(strategy).perRegionBucket === undefined;
  const node = oneOf(...regions.map((region) => `${region}-0`));
  const shape = oneOf(
    { isolate: [here] },
    { split: third === undefined ? [[there], [here]] : [[there, third], [here]] },
    { bridge: two },
    { from: [here], to: regions.slice(1) },
  );
  const mode = oneOf('blackhole', 'refuse');
  const length = () => whole(10, 3_600_000);
  const signed = () => oneOf(-1, 1) * decimal(0, 100_000);
  return oneOf<FaultSpec>(
    { fault: 'partition', mode, ...shape },
    { fault: 'flap', mode, downMs: length(), upMs: length(), ...shape },
    ...[
      { fault: 'latency', between: two, addMs: decimal(0, 900), jitterMs: 1e-7, rampMs: length() } as const,
    ],
    { fault: 'bandwidth', between: two, rateKBps: decimal(1, 5_000) },
    { fault: 'drop-reply', regions: [here] },
    { fault: 'store-outage', mode, ...oneOf({}, { regions: [there, here] }) },
    { fault: 'slow-store', latencyMs: whole(20, 60_000), ...oneOf({}, { regions: [here] }) },
    ...(['kill', 'pause', 'restart-empty'] as const).map((fault) => ({ fault, node })),
    ...(hasReplicas ? [{ fault: 'restart', node } as const] : []),
    ...(hasReplicas ? [{ fault: 'failover', node: `${there}-1` } as const] : []),
    { fault: 'move-slots', from: there, to: here, slots: whole(1, 16_383) },
    { fault: 'gateway-clock', region: there, offsetMs: signed() },
    { fault: 'restart-service', region: there, ...oneOf({}, { instance: whole(1, instances) }) },
    { fault: 'node-clock', node, stepMs: signed() },
    {
      ...{ fault: 'command', inject: `ssh ${there} 'cut "$IF"; echo \\$?'`, limitMs: whole(100, 3_600_000) },
      heal: oneOf('true', "it's\nmended"),
      ...oneOf({}, { until: './is cut' }),
      ...oneOf<object>(
        { proof: `! curl "${there}"` },
        { probe: { probe: 'unreachable', region: there } },
        { probe: { probe: 'latency', node, byMs: whole(1, 60_000) } },
      ),
    },
  );
}

/** One policy, or where the strategy can several with costs by name. */
function drawPolicies(random: Random, strategy: StrategyName): Pick<PlanFlags, 'policy' | 'cost'> {
  const { whole, oneOf } = dice(random);
  const policy = () => makePolicy(whole(10, 200), `${whole(1, 20)}/${oneOf('s', 'min')}`);
  const costs = traitsOf(strategy).unitCost ? [1] : oneOf([1], [1, 2, 5], [whole(1, 10)]);
  if (!traitsOf(strategy).severalPolicies || oneOf(true, false))
    return { cost: { costs }, policy: [{ name: '', policy: policy() }] };
  const names = ['burst', 'per-hour', 'tokens.out_1'].slice(0, whole(2, 3));
  const ofSome = names.slice(0, whole(1, 3)).map((name) => [name, oneOf([2], [1, 7])] as const);
  return {
    policy: names.map((name) => ({ name, policy: policy() })),
    cost: oneOf({ costs }, { costs: [1], costsByPolicy: Object.fromEntries(ofSome) }),
  };
}

function drawFlags(random: Random, defaults: PlanFlags): PlanFlags {
  const { whole, decimal, oneOf, maybe } = dice(random);
  const duration = decimal(1, 60);
  const promise = parsePromise(oneOf('token-bucket', 'fixed-window:100/60s:epoch', 'sliding-window:9/90ms'));
  const strategy = oneOf(...STRATEGY_NAMES);
  return {
    ...defaults,
    ...{ seed: whole(0, 2 ** 32 - 1), strategy },
    ...drawPolicies(random, strategy),
    ...oneOf(
      {},
      { limiter: './my own.mjs' },
      { limiter: './mine.mjs', promise },
      { onFailure: oneOf('closed', 'open', 'local-share') },
      ...(traitsOf(strategy).homes ? [{ homes: true as const }] : []),
    ),
    ...maybe({ claim: ['info <= 7%', oneOf('total-excess <= 0', 'p99(allowed) <= 250ms')] }),
    ...maybe({ rate: decimal(1, 5_000) }),
    ...maybe({ rest: decimal(0.001, duration) }),
    ...maybe({ instances: whole(1, 20) }),
    ...maybe({ clockSlack: whole(0, 5_000) }),
    ...maybe({ server: oneOf('valkey-server', '/opt/my redis/server') }),
    ...{ provider: oneOf('auto', 'local'), connections: whole(1, 10_000), users: whole(3, 10_000) },
    ...{
      skew: oneOf(decimal(0, 5), 1.5e-7),
      roaming: oneOf<number | 'auto'>(decimal(0, 1), 1e-9, 'auto'),
      duration,
      ramp: decimal(0, duration / 2),
    },
    ...{ resting: oneOf(0, decimal(0, 1)), burst: decimal(0.001, 1) },
    regions: ['us-east', 'eu-west', 'ap-south'].slice(0, whole(2, 3)),
    ...{ replicas: 1, jitter: decimal(0, 20), persistence: oneOf('none', 'aof') },
    ...{ roundTrip: { 'us-east:eu-west': decimal(1, 300) }, nodeTimeout: whole(700, 60_000) },
  };
}
