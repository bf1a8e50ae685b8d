import { OpenclawError } from '../core/errors.ts';
import { parsePolicy } from '../core/policy.ts';
import type { UndrawnFault } from './fault-schema.ts';
import { checkOverlaps } from './overlaps.ts';
import type { PlannedTopology } from './plan.ts';
import { expectedFound, type Path, type Problem } from './problems.ts';
import type { ScenarioParts } from './sections.ts';
import { formatDuration } from './units.ts';

/** A node that a topology plans. */
export interface NamedNode {
  readonly name: string;
  /** The name of its primary; absent for a primary. */
  readonly replicaOf?: string;
}

/** Gives the nodes of a topology; throws an OpenclawError for one that cannot be. */
export type PlanNodes = (topology: PlannedTopology) => readonly NamedNode[];

/** What no section can see by itself: that faults, load, policy and topology go together. Absent ones are skipped. */
export function checkTogether(parts: ScenarioParts, planNodes: PlanNodes): Problem[] {
  const nodes = nodesOf(parts, planNodes);
  const faults = parts.faults.flatMap((fault, index) => (fault === undefined ? [] : [{ fault, index }]));
  return [
    ...nodes.problems,
    ...checkRate(parts),
    ...checkCosts(parts),
    ...checkSpread(parts),
    ...faults.flatMap(({ fault, index }) => {
      const path = ['faults', index];
      return [
        ...checkTimes(fault, path, parts.load?.durationMs),
        ...(parts.topology === undefined ? [] : checkRegions(fault, path, parts.topology.regions)),
        ...(nodes.nodes === undefined ? [] : checkNode(fault, path, nodes.nodes)),
      ];
    }),
    ...(parts.topology === undefined ? [] : checkOverlaps(faults, parts.topology.regions)),
  ];
}

function nodesOf(
  { topology }: ScenarioParts,
  planNodes: PlanNodes,
): { readonly nodes?: readonly NamedNode[]; readonly problems: readonly Problem[] } {
  if (topology === undefined) return { problems: [] };
  try {
    return { nodes: planNodes(topology), problems: [] };
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    return { problems: [{ path: ['topology'], text: error.message }] };
  }
}

function checkRate({ load }: ScenarioParts): Problem[] {
  if (load?.mode === 'open' && load.rate === undefined) {
    return [{ path: ['load'], text: 'an open load needs a rate: requests started a second' }];
  }
  if (load?.mode !== 'closed' || load.rate === undefined) return [];
  const text = 'a rate is for an open load; a closed one sends when it was answered';
  return [{ path: ['load', 'rate'], isKey: true, text }];
}

function checkCosts({ load, policy }: ScenarioParts): Problem[] {
  if (load === undefined || policy === undefined) return [];
  const { capacityTokens } = parsePolicy(policy);
  const highest = Math.max(...load.costs);
  if (highest <= capacityTokens) return [];
  const expected = `costs of at most the capacity of ${capacityTokens} tokens`;
  return [{ path: ['load', 'cost'], text: expectedFound({ expected, found: highest }) }];
}

/** Every region is sent requests: each has a connection and a user. */
function checkSpread({ load, topology }: ScenarioParts): Problem[] {
  if (load === undefined || topology === undefined) return [];
  const { connections, users, roaming } = load;
  const many = topology.regions.length;
  const expected = `one for each of the ${many} regions`;
  const problem = (key: string, text: string, found: number): Problem => ({
    path: ['load', key],
    text: expectedFound({ expected: text, found }),
  });
  return [
    ...(connections < many ? [problem('connections', expected, connections)] : []),
    ...(users < many && roaming < 1 ? [problem('users', `${expected}, or roaming 1`, users)] : []),
  ];
}

/** By the latest times that can be drawn, so that no seed makes a scenario wrong. */
function checkTimes(fault: UndrawnFault, path: Path, durationMs = Number.POSITIVE_INFINITY): Problem[] {
  const latestMs = fault.at.most + fault.for.most;
  if (latestMs <= durationMs) return [];
  const text = `every fault is healed by the end of the load, ${formatDuration(durationMs)} after it began; this one by ${formatDuration(latestMs)}`;
  return [{ path: [...path, 'for'], text }];
}

const REGION_KEYS = ['isolate', 'split', 'from', 'to', 'bridge', 'between', 'regions', 'region'] as const;

function checkRegions(fault: UndrawnFault, path: Path, regions: readonly string[]): Problem[] {
  const named: { readonly [key: string]: unknown } = { ...fault };
  const expected = `one of the regions ${regions.join(', ')}`;
  return REGION_KEYS.flatMap((key) => leavesOf(named[key], [...path, key]))
    .filter(({ name }) => !regions.includes(name))
    .map(({ name, path: at }) => ({
      path: at,
      text: expectedFound({ expected, found: name, names: regions }),
    }));
}

function leavesOf(value: unknown, path: Path): { readonly name: string; readonly path: Path }[] {
  if (typeof value === 'string') return [{ name: value, path }];
  return Array.isArray(value) ? value.flatMap((item, index) => leavesOf(item, [...path, index])) : [];
}

function checkNode(fault: UndrawnFault, faultPath: Path, nodes: readonly NamedNode[]): Problem[] {
  if (!('node' in fault)) return [];
  const possible = nodes.filter(FITS[fault.fault].test).map(({ name }) => name);
  if (possible.includes(fault.node)) return [];
  const { what } = FITS[fault.fault];
  const expected =
    possible.length === 0 ? `${what}, of which this topology has none` : `${what}: ${possible.join(', ')}`;
  return [
    { path: [...faultPath, 'node'], text: expectedFound({ expected, found: fault.node, names: possible }) },
  ];
}

type NodeFault = Extract<UndrawnFault, { readonly node: string }>['fault'];

interface Fit {
  readonly what: string;
  readonly test: (node: NamedNode, index: number, all: readonly NamedNode[]) => boolean;
}

const ANY_NODE: Fit = { what: 'one of the nodes', test: () => true };
const FITS: Readonly<Record<NodeFault, Fit>> = {
  kill: ANY_NODE,
  pause: ANY_NODE,
  'restart-empty': ANY_NODE,
  'node-clock': ANY_NODE,
  failover: { what: 'one of the replicas', test: ({ replicaOf }) => replicaOf !== undefined },
  restart: {
    what: 'one of the primaries that have a replica',
    test: ({ name }, _index, all) => all.some(({ replicaOf }) => replicaOf === name),
  },
};
