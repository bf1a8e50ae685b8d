import { invalidOption, OpenclawError } from '../core/errors.ts';
import { type NamedPolicy, parsePolicies } from '../core/policies.ts';
import { type PlannedNode, planTopology, type Topology } from '../topology/topology.ts';
import { LIMITS } from './defaults.ts';
import type { NodeFit } from './faults/definition.ts';
import { definitionOf, type FaultSpec, type UndrawnFault } from './faults/index.ts';
import { ANY_NODE } from './faults/node.ts';
import { checkOverlaps } from './overlaps.ts';
import { expectedFound, type Path, type Problem, problemText } from './problems.ts';
import type { ScenarioParts } from './sections.ts';
import { formatDuration } from './units.ts';

/** Checks faults, load, policy and topology against each other. Absent ones are skipped. */
export function checkTogether(parts: ScenarioParts): Problem[] {
  const nodes = nodesOf(parts);
  const faults = parts.faults.flatMap((fault, index) => (fault === undefined ? [] : [{ fault, index }]));
  return [
    ...nodes.problems,
    ...checkRate(parts),
    ...checkCosts(parts),
    ...checkActuals(parts),
    ...checkSpread(parts),
    ...faults.flatMap(({ fault, index }) => {
      const path = ['faults', index];
      return [
        ...checkTimes(fault, path, parts.load?.durationMs),
        ...(parts.topology === undefined ? [] : checkRegions(fault, path, parts.topology.regions)),
        ...(nodes.nodes === undefined || isReturn(fault, nodes.nodes, parts.faults)
          ? []
          : checkNode(fault, path, nodes)),
        ...checkInstance(fault, path, parts.instances),
      ];
    }),
    ...(parts.topology === undefined ? [] : checkOverlaps(faults, parts.topology.regions)),
  ];
}

function nodesOf({ topology }: ScenarioParts): {
  readonly nodes?: readonly PlannedNode[];
  readonly problems: readonly Problem[];
} {
  if (topology === undefined) return { problems: [] };
  try {
    return { nodes: planTopology(topology).nodes, problems: [] };
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    return { problems: [{ path: ['topology'], text: error.message }] };
  }
}

function checkRate({ load }: ScenarioParts): Problem[] {
  if (load === undefined || load.log !== undefined) return [];
  const { mode, ratePerSecond, peaks } = load;
  const onlyOpen = (key: string): Problem => {
    const text = `only an open load has ${key === 'rate' ? 'a rate' : key}; remove it, or set mode: open`;
    return { path: ['load', key], isKey: true, text };
  };
  return [
    ...(mode === 'open' && ratePerSecond === undefined
      ? [{ path: ['load'], text: 'an open load needs a rate (requests started per second)' }]
      : []),
    ...(mode === 'closed' && ratePerSecond !== undefined ? [onlyOpen('rate')] : []),
    ...(mode === 'closed' && peaks !== undefined ? [onlyOpen('peaks')] : []),
    ...(peaks !== undefined && peaks.forMs >= peaks.everyMs
      ? [{ path: ['load', 'peaks', 'for'], text: 'a peak must be shorter than its period (every)' }]
      : []),
  ];
}

function checkCosts({ load, policy }: ScenarioParts): Problem[] {
  if (load === undefined || policy === undefined) return [];
  const policies = parsePolicies(policy);
  const { costs, costsByPolicy = {} } = load;
  const path = ['load', 'cost'];
  return [
    ...unknownNames(costsByPolicy, policies).map(({ name, text }) => ({
      path: [...path, name],
      isKey: true,
      text,
    })),
    ...policies.flatMap((named) => {
      const own = Object.hasOwn(costsByPolicy, named.name) ? costsByPolicy[named.name] : undefined;
      return own === undefined ? tooHigh(costs, named, path) : tooHigh(own, named, [...path, named.name]);
    }),
  ];
}

function checkActuals({ load, policy }: ScenarioParts): Problem[] {
  if (load?.actuals === undefined) return [];
  const path = ['load', 'actual'];
  if (policy !== undefined && parsePolicies(policy).length > 1)
    return [
      { path, isKey: true, text: 'requests reserve tokens of one policy only; remove it, or use one policy' },
    ];
  const [least, highest] = [Math.min(...load.costs), Math.max(...load.actuals)];
  if (highest <= least) return [];
  const expected = `at most the ${least} tokens that a request reserves (cost)`;
  return [{ path, text: expectedFound({ expected, found: highest }) }];
}

function unknownNames(costs: object, policies: readonly NamedPolicy[]): { name: string; text: string }[] {
  const names = policies.map(({ name }) => name);
  const expected =
    names[0] === '' ? 'no name, since there is one policy' : `one of the policies ${names.join(', ')}`;
  return Object.keys(costs)
    .filter((name) => !names.includes(name))
    .map((found) => ({ name: found, text: expectedFound({ expected, found, names }) }));
}

function tooHigh(costs: readonly number[], { name, policy }: NamedPolicy, path: Path): Problem[] {
  const { capacityTokens } = policy;
  const highest = Math.max(...costs);
  if (highest <= capacityTokens) return [];
  const expected =
    name === ''
      ? `costs of at most the capacity of ${capacityTokens} tokens`
      : `costs of at most ${capacityTokens} tokens, the capacity of ${name}`;
  return [{ path, text: expectedFound({ expected, found: highest }) }];
}

/** Each region needs a connection and a user, since every region gets requests. */
function checkSpread({ load, topology }: ScenarioParts): Problem[] {
  if (load === undefined || topology === undefined) return [];
  const { connections, processes = 1, users, roaming } = load;
  const many = topology.regions.length;
  const expected = `one for each of the ${many} regions`;
  const problem = (key: string, text: string, found: number): Problem => ({
    path: ['load', key],
    text: expectedFound({ expected: text, found }),
  });
  return [
    ...(connections < many ? [problem('connections', expected, connections)] : []),
    ...(processes > many ? [problem('processes', `at most ${expected}`, processes)] : []),
    ...(users < many && roaming !== 'auto' && roaming < 1
      ? [problem('users', `${expected}, or roaming 1`, users)]
      : []),
  ];
}

/** Checks the latest times that can be drawn, so that the result is the same for every seed. */
function checkTimes(fault: UndrawnFault, path: Path, durationMs = Number.POSITIVE_INFINITY): Problem[] {
  const latestMs = fault.at.most + fault.for.most;
  if (latestMs <= durationMs) return [];
  const text = `must be healed by the end of the load, at ${formatDuration(durationMs)}; found ${formatDuration(latestMs)} (at + for)`;
  return [{ path: [...path, 'for'], text }];
}

/**
 * Throws INVALID_OPTION if a running cluster does not have the regions or the node of a fault. It does not check which
 * node is a primary, since failovers change that.
 */
export function checkFault(fault: FaultSpec, { regions, nodes }: Topology): void {
  const [problem] = [...checkRegions(fault, [], regions), ...checkNode(fault, [], { nodes, fit: ANY_NODE })];
  if (problem !== undefined) throw invalidOption(problemText(problem));
  checkProbe(fault, { regions, nodes });
}

/** Throws INVALID_OPTION if the system of a run does not have the place of a probe. */
export function checkProbe(fault: FaultSpec, { regions, nodes }: Pick<Topology, 'regions' | 'nodes'>): void {
  if (!('probe' in fault) || fault.probe === undefined) return;
  const { probe, region, node, service } = fault.probe;
  const names = node === undefined ? regions : nodes.map(({ name }) => name);
  const found = region ?? node ?? service ?? '';
  const needsNodes = node !== undefined || probe === 'failover' || probe === 'restart';
  if (needsNodes && nodes.length === 0)
    throw invalidOption(`probe ${probe} needs Redis nodes; this system has HTTP services`, 'use a proof');
  if (names.includes(found)) return;
  const expected = `one of the ${node === undefined ? 'regions' : 'nodes'} ${names.join(', ')}`;
  throw invalidOption(problemText({ path: ['probe'], text: expectedFound({ expected, found, names }) }));
}

const EACH_ONCE = 'a list of regions, each once';
const TWO = 'a list of two different regions';

/** The keys that name regions, and the form of each. */
const NAMING = {
  ...{ isolate: EACH_ONCE, from: EACH_ONCE, to: EACH_ONCE, regions: EACH_ONCE },
  ...{ split: 'groups that share no region', bridge: TWO, between: TWO, region: 'a region' },
} as const;

function checkRegions(fault: FaultSpec, path: Path, regions: readonly string[]): Problem[] {
  const named: { readonly [key: string]: unknown } = { ...fault };
  const expected = `one of the regions ${regions.join(', ')}`;
  const problems = Object.entries(NAMING).flatMap(([key, list]) => {
    const leaves = leavesOf(named[key], [...path, key]);
    const names = leaves.map(({ name }) => name);
    const isAsWanted =
      new Set(names).size === names.length && (list !== TWO || [0, 2].includes(names.length));
    return [
      ...leaves
        .filter(({ name }) => !regions.includes(name))
        .map(({ name: found, path: at }) => ({
          path: at,
          text: expectedFound({ expected, found, names: regions }),
        })),
      ...(isAsWanted
        ? []
        : [{ path: [...path, key], text: expectedFound({ expected: list, found: names.join(' ') }) }]),
    ];
  });
  const { changes, isMomentary } = definitionOf(fault.fault);
  if (problems.length > 0 || isMomentary || changes(fault, regions).length > 0) return problems;
  return [{ path, text: `this ${fault.fault} affects no link between the regions ${regions.join(', ')}` }];
}

function leavesOf(value: unknown, path: Path): { readonly name: string; readonly path: Path }[] {
  if (typeof value === 'string') return [{ name: value, path }];
  return Array.isArray(value) ? value.flatMap((item, index) => leavesOf(item, [...path, index])) : [];
}

function checkInstance(fault: FaultSpec, path: Path, instances: number = LIMITS.instances[1]): Problem[] {
  if (!('instance' in fault) || fault.instance === undefined || fault.instance <= instances) return [];
  const expected =
    instances === 1 ? '1, the only one of its region' : `at most ${instances}, the instances of its region`;
  return [{ path: [...path, 'instance'], text: expectedFound({ expected, found: fault.instance }) }];
}

/** Whether a former primary takes over again: an ordered failover to one of its replicas comes before. */
function isReturn(
  fault: UndrawnFault,
  nodes: readonly PlannedNode[],
  faults: ScenarioParts['faults'],
): boolean {
  if (fault.fault !== 'failover') return false;
  const isReplica = (name: string) =>
    nodes.some((node) => node.name === name && node.replicaOf === fault.node);
  return faults.some(
    (other) => other?.fault === 'failover' && isReplica(other.node) && other.at.most < fault.at.least,
  );
}

interface Nodes {
  readonly nodes?: readonly PlannedNode[];
  /** Instead of the `nodes` of the fault's definition. */
  readonly fit?: NodeFit;
}

function checkNode(fault: FaultSpec, faultPath: Path, { nodes = [], fit }: Nodes): Problem[] {
  const { what, test } = fit ?? definitionOf(fault.fault).nodes ?? ANY_NODE;
  if (!('node' in fault)) return [];
  const possible = nodes.filter((node) => test(node, nodes)).map(({ name }) => name);
  if (possible.includes(fault.node)) return [];
  const [only] = possible;
  const several = only === undefined ? `${what} (this topology has none)` : `${what}: ${possible.join(', ')}`;
  const expected = possible.length === 1 ? `${only}, the only possible node` : several;
  return [
    { path: [...faultPath, 'node'], text: expectedFound({ expected, found: fault.node, names: possible }) },
  ];
}
