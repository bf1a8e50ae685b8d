import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { noSlotsToMove } from '../../regions/cluster/slots/return-slots.ts';
import type { MoveSlotsSpec } from '../../scenario/faults/move-slots.ts';
import { countAway, moveSlots as move, returnSlots } from '../nodes/move-slots.ts';
import type { MakeFault } from './fault.ts';

/** Moves the slots of a shard that have the most keys to another. Its heal brings every slot back. */
export const moveSlots: MakeFault<MoveSlotsSpec> = (spec, context) => {
  const { topology, nodes } = context;
  const primaryIn = (region: string) => {
    const planned = topology.nodes.find((node) => node.region === region && node.slots !== undefined);
    return planned && nodes.slots?.primaryOf(planned.name);
  };
  return {
    inject(done) {
      const { slots } = nodes;
      if (slots === undefined) return done(noSlotsToMove());
      const [from, to] = [primaryIn(spec.from), primaryIn(spec.to)];
      if (from === undefined || to === undefined)
        return done(environmentFailed(`${spec.from} and ${spec.to} have no primary each that answers`));
      const own = slots.fullestFirst(from);
      if (own.length <= spec.slots)
        return done(
          invalidOption(
            `${from} has ${own.length} slots and must keep one; found ${spec.slots}`,
            'move fewer',
          ),
        );
      move({ slots: own.slice(0, spec.slots), from, to }, { ...context, slots }, (isDone) =>
        done(isDone ? undefined : environmentFailed(`slots of ${from} could not be moved to ${to}`)),
      );
    },
    heal(done) {
      const { slots } = nodes;
      if (slots === undefined) done();
      else returnSlots({ ...context, slots }, done);
    },
    looks: 'before the heal',
    look() {
      const { slots } = nodes;
      const away = slots === undefined ? 0 : countAway({ topology, slots });
      return {
        bit: away > 0,
        saw: away > 0 ? `${away} slots are not where the plan has them` : 'every slot is where it was',
      };
    },
  };
};
