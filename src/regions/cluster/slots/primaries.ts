import type { Redis } from 'ioredis';
import { environmentFailed } from '../../../core/errors.ts';
import { parseRange } from '../../../topology/slot-ranges.ts';
import type { PlannedNode } from '../../../topology/topology.ts';
import type { Regions } from '../../provider.ts';
import { type NodeView, parseClusterNodes } from '../cluster-view.ts';
import { connectDirect } from '../connect-direct.ts';

/** A primary, as it reports itself, with a connection to it. */
export interface Primary {
  readonly name: string;
  readonly id: string;
  readonly epoch: number;
  readonly client: Redis;
  /** Makes a further connection to it. */
  readonly connect: () => Redis;
  /** Every node as it sees it. */
  readonly view: readonly NodeView[];
  /** The slots that it owns. */
  readonly slots: ReadonlySet<number>;
  /** Slots that it gives away and slots that it takes, until that has ended; each with the id of the other node. */
  readonly migrating: ReadonlyMap<number, string>;
  readonly importing: ReadonlyMap<number, string>;
}

/** The primaries of a cluster. */
export interface Primaries {
  readonly all: readonly Primary[];
  /** Slots that some node, also a replica, says to be on their way. */
  readonly open: ReadonlySet<number>;
}

/** A slot migrates as long as its slowest key takes. */
const COMMAND_MS = 10_000;

/** Runs `act` with every node that answers as a primary, and closes the connections to them. */
export async function withPrimaries<T>(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  act: (primaries: Primaries) => Promise<T>,
): Promise<T> {
  const nodes = topology.nodes.map(({ name }) => {
    const connect = () => connectDirect(direct(name), COMMAND_MS);
    return { name, connect, client: connect() };
  });
  try {
    const found = (await Promise.all(nodes.map(readNode))).filter((node) => node !== undefined);
    return await act({
      all: found.filter(({ isPrimary }) => isPrimary),
      open: new Set(found.flatMap(({ migrating, importing }) => [...migrating.keys(), ...importing.keys()])),
    });
  } finally {
    for (const { client } of nodes) client.disconnect();
  }
}

/** Undefined for a node that does not answer. */
async function readNode(
  node: Pick<Primary, 'name' | 'client' | 'connect'>,
): Promise<(Primary & { readonly isPrimary: boolean }) | undefined> {
  const text = await node.client.call('CLUSTER', 'NODES').catch(() => '');
  const view = parseClusterNodes(String(text));
  const own = view.find(({ isMyself }) => isMyself);
  if (own === undefined) return undefined;
  const { id, epoch, role, slots } = own;
  return { ...node, id, epoch, view, ...readSlots(slots), isPrimary: role === 'primary' };
}

/** `[93->-id]` migrates to that node, `[93-<-id]` is imported from it. */
export function readSlots(texts: readonly string[]): Pick<Primary, 'slots' | 'migrating' | 'importing'> {
  const slots = new Set<number>();
  const [migrating, importing] = [new Map<number, string>(), new Map<number, string>()];
  for (const text of texts) {
    const [, open, way, id = ''] = /^\[(\d+)-([<>])-(\w+)\]$/.exec(text) ?? [];
    if (open !== undefined) (way === '>' ? migrating : importing).set(Number(open), id);
    else {
      const { first, last } = parseRange(text);
      for (let slot = first; slot <= last; slot++) slots.add(slot);
    }
  }
  return { slots, migrating, importing };
}

/** The primary of this planned primary's shard: it or a replica that took over. Throws ENVIRONMENT_FAILED without one. */
export function primaryOfShard(
  planned: PlannedNode,
  { nodes }: Pick<Regions['topology'], 'nodes'>,
  primaries: readonly Primary[],
): Primary {
  const shard = nodes.filter(({ name, replicaOf }) => name === planned.name || replicaOf === planned.name);
  const [newest] = primaries
    .filter(({ name }) => shard.some((node) => node.name === name))
    .sort((a, b) => b.epoch - a.epoch);
  if (newest !== undefined) return newest;
  throw environmentFailed(
    `no node of ${planned.name} and its replicas is a primary now`,
    'wait until one is, or start the node: openclaw-rl status',
  );
}
