import { invalidOption } from '../core/errors.ts';
import { moveSlots as move } from '../regions/cluster/slots/move-slots.ts';
import { type Primary, primaryOfShard, withPrimaries } from '../regions/cluster/slots/primaries.ts';
import { noSlotsToMove, plansSlots, returnSlots } from '../regions/cluster/slots/return-slots.ts';
import type { MoveSlotsSpec } from '../scenario/faults/move-slots.ts';
import type { PlannedNode, Topology } from '../topology/topology.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Moves the slots of a shard that have the most keys to another. Its undo brings every slot back to where the plan has it. */
export const moveSlots: Inject<MoveSlotsSpec> = async (spec, { regions, signal, noteMove: note }) => {
  const { topology } = regions;
  const noted = note && { note };
  if (!plansSlots(topology)) throw noSlotsToMove();
  return orUndo(
    () =>
      withPrimaries(regions, async ({ all: primaries }) => {
        const primaryOf = (region: string) =>
          primaryOfShard(plannedPrimary(region, topology), topology, primaries);
        const [from, to] = [primaryOf(spec.from), primaryOf(spec.to)];
        if (from.slots.size <= spec.slots)
          throw invalidOption(
            `${from.name} has ${from.slots.size} slots and must keep one; found --slots ${spec.slots}`,
            'move fewer',
          );
        return move((await fullestFirst(from)).slice(0, spec.slots), { from, to, signal, ...noted });
      }),
    () => returnSlots(regions, note),
  );
};

/** Most slots have no key at all: those would move nothing. */
async function fullestFirst({ client, slots }: Primary): Promise<number[]> {
  const counted = [...slots].map(async (slot) => ({
    slot,
    keys: Number(await client.call('CLUSTER', 'COUNTKEYSINSLOT', slot)),
  }));
  const all = await Promise.all(counted);
  return all.sort((a, b) => b.keys - a.keys || b.slot - a.slot).map(({ slot }) => slot);
}

function plannedPrimary(region: string, { nodes }: Pick<Topology, 'nodes'>): PlannedNode {
  const planned = nodes.find((node) => node.region === region && node.slots !== undefined);
  if (planned === undefined) throw invalidOption(`${region} has no primary with slots`);
  return planned;
}
