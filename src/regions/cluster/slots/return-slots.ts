import { environmentFailed, invalidOption, type OpenclawError } from '../../../core/errors.ts';
import { groupBy } from '../../../core/group-by.ts';
import { formatSlots } from '../../../topology/slot-ranges.ts';
import { isInCluster, type Topology } from '../../../topology/topology.ts';
import type { Regions } from '../../provider.ts';
import type { NodeStatus } from '../status.ts';
import { moveSlot } from './move-slot.ts';
import { moveSlots, type NoteMove } from './move-slots.ts';
import { type Primaries, type Primary, primaryOfShard, readSlots, withPrimaries } from './primaries.ts';

/** Whether the plan says which node has which slots. */
export function plansSlots({ external, apart, ...topology }: Topology): boolean {
  return isInCluster({ ...topology }) && external !== true && apart !== true;
}

export function noSlotsToMove(): OpenclawError {
  return invalidOption(
    'move-slots needs a Redis Cluster over the regions that this program starts: slots of another one might not come back',
    'move slots of your own cluster by a command of yours: fault: command',
  );
}

/**
 * Brings every slot back to the shard that the plan gives it, with its keys, and ends moves that stopped half-way. Does
 * nothing where all are there. Throws ENVIRONMENT_FAILED.
 */
export async function returnSlots(
  regions: Pick<Regions, 'topology' | 'direct'>,
  note?: NoteMove,
): Promise<void> {
  const { topology } = regions;
  if (!plansSlots(topology)) return;
  await withPrimaries(regions, closeOpen);
  await withPrimaries(regions, async ({ all: primaries }) => {
    for (const planned of topology.nodes) {
      if (planned.slots === undefined) continue;
      const [first, last] = planned.slots;
      const to = primaryOfShard(planned, topology, primaries);
      for (const from of primaries) {
        const away = [...from.slots].filter((slot) => first <= slot && slot <= last);
        if (from !== to && !isStaleCopy(from, planned.name, topology))
          await moveSlots(away, { from, to, ...(note && { note }) });
      }
    }
  });
}

/** A former primary of the same shard that does not know its successor yet. */
function isStaleCopy({ name }: Primary, planned: string, { nodes }: Topology): boolean {
  return name === planned || nodes.some((node) => node.name === name && node.replicaOf === planned);
}

/**
 * Ends the moves that stopped half-way by making them: while a slot migrates its owner takes no key back. A slot that two
 * primaries claim belongs to the one with the higher epoch, which took it.
 */
async function closeOpen({ all: primaries, open }: Primaries): Promise<void> {
  for (const slot of open) {
    const [owner, ...others] = primaries
      .filter(({ slots }) => slots.has(slot))
      .sort((a, b) => b.epoch - a.epoch);
    if (owner === undefined)
      throw environmentFailed(
        `no node that answers owns slot ${slot}`,
        'start its primary: openclaw-rl status',
      );
    for (const { client } of others) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', owner.id);
    const importing = primaries.filter((primary) => primary !== owner && primary.importing.has(slot));
    const to = importing.find(({ id }) => id === owner.migrating.get(slot)) ?? importing[0];
    if (to === undefined) await owner.client.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    else await moveSlot(slot, { from: owner, to });
    for (const { client } of primaries.filter((primary) => primary !== owner && primary !== to))
      await client.call('CLUSTER', 'SETSLOT', slot, 'STABLE'); // a mark may outlast its move
  }
}

/** The slots that are not where the plan has them, one sentence each. */
export function slotDeviations(nodes: readonly NodeStatus[], topology: Topology): string[] {
  if (!plansSlots(topology)) return [];
  // a replica of Valkey has the marks of its primary
  return nodes
    .filter(({ role }) => role === 'primary')
    .flatMap(({ name, slots: text }) => {
      const { slots, migrating, importing } = readSlots(text.split(' ').filter((part) => part !== ''));
      const planned = topology.nodes.find((node) => node.name === name);
      const shard = planned?.replicaOf ?? name;
      const homes = groupBy(
        slots,
        (slot) => topology.nodes.find((node) => has(node.slots, slot))?.name ?? '',
      );
      const open = [...migrating.keys(), ...importing.keys()].sort((a, b) => a - b);
      return [
        ...[...homes]
          .filter(([home]) => home !== shard)
          .map(([home, away]) => `${name} has ${slotText(away)} of ${home}`),
        ...(open.length > 0
          ? [`${slotText(open)} of ${name} ${open.length === 1 ? 'is' : 'are'} migrating`]
          : []),
      ];
    });
}

function has(range: readonly [number, number] | undefined, slot: number): boolean {
  return range !== undefined && range[0] <= slot && slot <= range[1];
}

const MOST_SHOWN = 30;

function slotText(slots: readonly number[]): string {
  if (formatSlots(slots).length > MOST_SHOWN) return `${slots.length} slots`;
  return `slot${slots.length === 1 ? '' : 's'} ${formatSlots(slots)}`;
}
