import { environmentFailed } from '../core/errors.ts';
import { parsePolicies } from '../core/policies.ts';
import { makeRandom } from '../core/prng.ts';
import { isStrategy, traitsOf } from '../core/strategies.ts';
import { failurePolicyOf } from '../experiment/plan-file.ts';
import { openLimiter } from '../limiter/create.ts';
import type { HomesTable } from '../limiter/homes/table.ts';
import { DEFAULT_PREFIX } from '../limiter/options/key.ts';
import { limiterOptionsOf } from '../rating/limiter-options.ts';
import type { RoleEvent } from '../regions/cluster/role-watch.ts';
import { findingIn, nodesOf } from '../regions/provider.ts';
import type { Plan } from '../scenario/plan.ts';
import { MOST_REGIONS } from '../topology/regions.ts';
import { planTopology, replicasOfPrimary, type Topology } from '../topology/topology.ts';
import { simulatedConnect } from './client/connect.ts';
import { COMMAND_US, ERROR_REPLY_US } from './delays.ts';
import { SimulatedNetwork } from './network/simulated-network.ts';
import type { SimulatedNodes } from './nodes/simulated-nodes.ts';
import { openNodes } from './open-nodes.ts';
import { type PluginHost, quietHost } from './outside.ts';
import { ScriptEngine } from './scripts/engine.ts';
import { Machine, type Work } from './service/machine.ts';
import { type LoadedPlugin, loadedPlugin, pluginInstance, untilMade } from './service/plugin-instance.ts';
import { ServiceProcess } from './service/process.ts';
import { ratingInstance } from './service/rating-instance.ts';
import { RegionServices } from './service/region-services.ts';
import { dateOfSeed, VirtualTime } from './virtual-time.ts';

/** Everything that a plan needs, simulated. */
export interface World {
  readonly time: VirtualTime;
  readonly topology: Topology;
  readonly network: SimulatedNetwork;
  readonly nodes: SimulatedNodes;
  /** By region. */
  readonly services: ReadonlyMap<string, RegionServices>;
  /** How far the clocks of the services of a region are ahead, milliseconds. */
  readonly clockAheadMs: Map<string, number>;
  /** Scripts and WAITs that nodes have run so far. */
  redisCalls(): number;
}

export interface WorldOptions {
  readonly plan: Plan;
  /** Of the keys of buckets, which decides on their slots. Default: one of all simulations. */
  readonly prefix?: string | undefined;
  /** Of a plug-in. Default: the run watches it by its two histories alone, and keeps no errors. */
  readonly host?: PluginHost | undefined;
}

/** What a command of a limiter costs the nodes and the Toxiproxies: no command waits for it. */
const COMMAND: Work = { us: COMMAND_US, done: () => {} };
const ERROR_REPLY: Work = { us: ERROR_REPLY_US, done: () => {} };
const SETTLES_WITHIN_US = 30_000_000;
const LOOK_US = 100_000;

/**
 * Starts the nodes and services of a plan, and waits until the cluster has settled. Throws ENVIRONMENT_FAILED,
 * INVALID_OPTION for a plug-in that does not start.
 */
export async function openWorld(
  { plan, prefix = `${DEFAULT_PREFIX}:simulated`, host = quietHost() }: WorldOptions,
  onRole: (event: RoleEvent) => void,
): Promise<World> {
  const { seed } = plan;
  const time = new VirtualTime(dateOfSeed(seed));
  const topology = planTopology(plan.topology);
  const network = new SimulatedNetwork({ topology, time, seed });
  const engine = ScriptEngine.open();
  let calls = 0;
  const onCall = () => {
    calls++;
  };
  const nodes = openNodes({ topology, network, engine, seed, onRole, onCall });
  while (!nodes.isSettled() && time.nowUs < SETTLES_WITHIN_US) await time.runUntil(time.nowUs + LOOK_US);
  if (!nodes.isSettled())
    throw environmentFailed(`the simulated nodes do not settle: ${nodes.lackOfWhole()}`);
  const clockAheadMs = new Map<string, number>();
  const machine = machinesOf(topology.regions, time);
  const plugin = await loadedPlugin(plan, host);
  const made: Promise<unknown>[] = [];
  const start = { plan, prefix, topology, network, clockAheadMs, plugin, host, made };
  const services = new Map(
    topology.regions.map((region) => [region, startServices({ ...start, region, machine: machine() })]),
  );
  await untilMade(made, plan, time);
  return { time, topology, network, nodes, services, clockAheadMs, redisCalls: () => calls };
}

/** Gives the machine of the next region: one for all, but one for each where no machine could start as many. */
function machinesOf(regions: readonly string[], time: VirtualTime): () => Machine {
  if (regions.length > MOST_REGIONS) return () => new Machine(time);
  const shared = new Machine(time);
  return () => shared;
}

interface Starting {
  readonly plan: Plan;
  /** Of the keys of buckets. */
  readonly prefix: string;
  readonly region: string;
  readonly topology: Topology;
  readonly network: SimulatedNetwork;
  readonly machine: Machine;
  readonly clockAheadMs: ReadonlyMap<string, number>;
  readonly plugin: LoadedPlugin | undefined;
  readonly host: PluginHost;
  /** Gets a promise for each limiter of a plug-in. */
  readonly made: Promise<unknown>[];
}

function startServices(starting: Starting): RegionServices {
  const { plan, region, network, machine, plugin, host } = starting;
  const { time } = network;
  let started = 0;
  return new RegionServices({
    ...{ time, machine, instances: plan.instances ?? 1 },
    random: makeRandom(plan.seed, `services of ${region}`),
    start: (instance, thread) => {
      const stream = `service ${instance} of ${region}, start ${++started}`;
      const process = new ServiceProcess(time, makeRandom(plan.seed, stream));
      const random = makeRandom(plan.seed, `client of ${stream}`);
      const onCommand = () => machine.nodes.do(COMMAND);
      const onErrorReply = () => thread.do(ERROR_REPLY);
      const connect = simulatedConnect({
        ...{ network, from: { region }, process, random, onCommand, onErrorReply },
      });
      const outside = { surroundings: process, connect };
      const end = () => process.end();
      if (plugin !== undefined) {
        time.wake();
        const log = (text: string) => host.log(`${stream}: ${text}`);
        const { made, answer } = pluginInstance(
          plugin(region, instance),
          placeOf(starting, process),
          outside,
          log,
        );
        starting.made.push(made);
        return { answer, end, made };
      }
      const limiter = openLimiter(limiterOptionsOf(settingOf(starting, process)), outside);
      return { answer: ratingInstance(limiter), end };
    },
  });
}

/** What any limiter of a service is given. */
function placeOf({ plan, prefix, region, topology, clockAheadMs }: Starting, { time }: ServiceProcess) {
  const { strategy, policy } = plan;
  const { seeds, kind, primary } = findingIn(topology, region, addressOf);
  const isApart = isStrategy(strategy) && traitsOf(strategy).perRegionBucket;
  return {
    ...{ region, policies: parsePolicies(policy), prefix },
    redis: {
      urls: seeds.map(urlOf),
      ...(kind === 'cluster' && !isApart && { cluster: true }),
      ...(primary !== undefined && { sentinel: { primary } }),
    },
    nowMs: () => time.dateMs() + (clockAheadMs.get(region) ?? 0),
  };
}

function settingOf(starting: Starting, process: ServiceProcess): Parameters<typeof limiterOptionsOf>[0] {
  const { plan, region, topology } = starting;
  const { strategy } = plan;
  if (!isStrategy(strategy)) throw new RangeError(`no strategy is called ${strategy}`);
  const abroad = topology.regions.filter((name) => name !== region);
  const others = abroad.flatMap((name) => nodesOf(topology, name).slice(0, 1));
  return {
    ...placeOf(starting, process),
    strategy,
    others: Object.fromEntries(others.map((node) => [node.region, { urls: [urlOf(addressOf(node.name))] }])),
    ...(traitsOf(strategy).waitsForReplicas && { replicas: replicasOfPrimary(plan.topology) }),
    onFailure: failurePolicyOf(plan),
    ...(plan.homes && { homes: homesOf(topology) }),
  };
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `redis://${host}:${port}`;
}

/** Nodes are found by their names. */
function addressOf(node: string): { readonly host: string; readonly port: number } {
  return { host: node, port: 6379 };
}

/** Each region owns the slots of the primaries that it begins with. */
function homesOf({ nodes, regions }: Topology): HomesTable {
  const slotsIn = (region: string) =>
    nodes.flatMap((node) => (node.region === region && node.slots ? [node.slots.join('-')] : [])).join(',');
  return {
    ...{ format: 'openclaw-homes', version: 1 },
    regions: Object.fromEntries(regions.map((region) => [region, { slots: slotsIn(region) }])),
  };
}
