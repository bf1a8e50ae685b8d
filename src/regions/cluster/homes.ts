import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { groupBy } from '../../core/group-by.ts';
import type { PlannedNode } from '../../topology/planned-node.ts';
import { formatSlots, parseRange } from '../../topology/slot-ranges.ts';
import { isInCluster, SLOTS } from '../../topology/topology.ts';
import type { Regions } from '../provider.ts';
import { clientAddress } from './client-address.ts';
import { plansSlots } from './slots/return-slots.ts';
import { type NodeStatus, readNodes } from './status.ts';

/** The homes table of a limiter: the slots that the primaries of each region own, and all nodes of the region. */
export interface ClusterHomes {
  readonly format: 'openclaw-homes';
  readonly version: 1;
  readonly regions: Readonly<Record<string, { readonly slots: string; readonly nodes: readonly string[] }>>;
}

/** What a cluster says of its slots now. */
export interface HomesLook {
  /** A region without slots has the text ''. */
  readonly table: ClusterHomes;
  /** Why this table must not be written down, as sentences; empty: it may be. */
  readonly problems: readonly HomesProblem[];
}

interface HomesProblem {
  readonly what: string;
  readonly hint: string;
}

type PlacedNode = Pick<NodeStatus, 'name' | 'region' | 'address' | 'role' | 'slots'>;

/**
 * Asks every node of a cluster for its slots, and for its name in decisions. Throws INVALID_OPTION where there is no
 * cluster over the regions.
 */
export async function lookForHomes(regions: Regions): Promise<HomesLook> {
  const { topology, name } = regions;
  if (!isInCluster(topology) || topology.apart)
    throw invalidOption(
      `${name} has ${topology.apart ? 'a separate Redis in each region' : 'one primary for all regions'}: homes need a Redis Cluster over the regions`,
      'leave homes out',
    );
  const nodes = await readNodes(regions);
  const named = nodes.map(async (node) => {
    const address = node.role in SILENCES ? undefined : await clientAddress(regions, node.name);
    return { ...node, ...(address !== undefined && { address }) };
  });
  const planned = plansSlots(topology) ? topology.nodes : [];
  return homesOf(topology.regions, await Promise.all(named), {
    ...{ name, provider: regions.provider },
    planned,
  });
}

/**
 * The homes table of a cluster. Throws ENVIRONMENT_FAILED while a failover is not undone, a slot is migrating, or slots
 * are in another region than the plan of the cluster has them.
 */
export async function requireHomes(regions: Regions): Promise<ClusterHomes> {
  const { table, problems } = await lookForHomes(regions);
  const [first] = problems;
  if (first === undefined) return table;
  throw environmentFailed(
    `${regions.name} has no homes now: ${problems.map(({ what }) => what).join('; ')}`,
    first.hint,
  );
}

/** The table of what these nodes say of themselves. */
export function homesOf(
  regions: readonly string[],
  nodes: readonly PlacedNode[],
  {
    name,
    provider,
    planned,
  }: Pick<Regions, 'name' | 'provider'> & { readonly planned: readonly PlannedNode[] },
): HomesLook {
  const owners = new Map<number, PlacedNode>();
  const problems: HomesProblem[] = [];
  const heal = `openclaw-rl fault heal --name ${name}`;
  // what a killed program left open ends by this alone
  const repeat = provider === 'external' ? 'wait until it has ended, and repeat the command' : heal;
  for (const node of nodes) {
    const silence = SILENCES[node.role];
    if (silence !== undefined) problems.push({ what: `${node.name} ${silence.what}`, hint: silence.hint });
    if (node.role !== 'primary') continue;
    const [own, moving] = slotsOf(node);
    if (moving.length > 0)
      problems.push({
        what: `${slotText(moving)} of ${node.name} ${isOrAre(moving)} migrating`,
        hint: repeat,
      });
    const twice = own.filter((slot) => owners.has(slot));
    const other = owners.get(twice[0] ?? -1);
    if (other !== undefined)
      problems.push({ what: `${other.name} and ${node.name} both claim ${slotText(twice)}`, hint: repeat });
    for (const slot of own) owners.set(slot, node);
  }
  const all = Array.from({ length: SLOTS }, (_, slot) => slot);
  const entries = regions.map((region) => {
    const slots = all.filter((slot) => owners.get(slot)?.region === region);
    const addresses = nodes
      .filter((node) => node.region === region)
      .map(({ address }) => address)
      .sort(); // CLUSTER NODES has any order
    return [region, { slots: formatSlots(slots), nodes: addresses }] as const;
  });
  const back =
    provider === 'external'
      ? 'bring its primary back: CLUSTER FAILOVER on its former primary, which is a replica now; leave out a region that has none'
      : heal;
  for (const [region, { slots }] of entries)
    if (slots === '') problems.push({ what: `region ${region} owns no slots`, hint: back });
  problems.push(...awayFrom(planned, owners).map((what) => ({ what, hint: heal })));
  const unowned = all.filter((slot) => !owners.has(slot));
  if (unowned.length > 0 && !problems.some(({ hint }) => hint !== back))
    problems.push({
      what: `no node of these regions owns ${slotText(unowned)}`,
      hint: 'name every node of the cluster',
    });
  const table = { format: 'openclaw-homes', version: 1, regions: Object.fromEntries(entries) } as const;
  return { table, problems };
}

/** The slots in another region than planned, a sentence for each node that has some of a region that still has others. */
function awayFrom(planned: readonly PlannedNode[], owners: ReadonlyMap<number, PlacedNode>): string[] {
  const away: string[] = [];
  const lefts = new Set([...owners.values()].map(({ region }) => region));
  for (const { name, region, slots: [first, last] = [1, 0] } of planned) {
    const slots = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    for (const [owner, some] of groupBy(slots, (slot) => owners.get(slot)))
      if (owner !== undefined && owner.region !== region && lefts.has(region))
        away.push(`${owner.name} has ${slotText(some)} of ${name}`);
  }
  return away;
}

const SILENCES: Readonly<Partial<Record<NodeStatus['role'], HomesProblem>>> = {
  down: { what: 'does not answer', hint: 'start it, wait until it is back, and repeat the command' },
  locked: { what: 'refuses the login', hint: 'set REDIS_USERNAME and REDIS_PASSWORD' },
  standalone: { what: 'is not in cluster mode', hint: 'homes need a Redis Cluster over the regions' },
};

/** The slots that a node owns, and those that move to it or away from it. */
function slotsOf({ slots }: PlacedNode): [own: number[], moving: number[]] {
  const own: number[] = [];
  const moving: number[] = [];
  for (const text of slots.split(' ').filter((part) => part !== '')) {
    const migrating = /^\[(\d+)-[<>]-/.exec(text)?.[1];
    if (migrating !== undefined) moving.push(Number(migrating));
    else {
      const { first, last } = parseRange(text);
      for (let slot = first; slot <= last; slot++) own.push(slot);
    }
  }
  return [own, moving.sort((a, b) => a - b)];
}

const slotText = (slots: readonly number[]) => `slot${slots.length === 1 ? '' : 's'} ${formatSlots(slots)}`;
const isOrAre = ({ length }: readonly number[]) => (length === 1 ? 'is' : 'are');
