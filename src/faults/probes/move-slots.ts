import { slotDeviations } from '../../regions/cluster/slots/return-slots.ts';
import { readNodes } from '../../regions/cluster/status.ts';
import type { MoveSlotsSpec } from '../../scenario/faults/move-slots.ts';
import type { MakeProbe } from './probe.ts';

/** Primaries say that they have slots which the plan gives to others, and no slot is left half-way. */
export const moveSlotsProbe: MakeProbe<MoveSlotsSpec> = async (_, { regions }) => {
  const away = async () => slotDeviations(await readNodes(regions), regions.topology);
  const before = await away();
  return {
    looks: 'throughout',
    async look() {
      if (before.length > 0) return { bit: false, saw: `${before.join('; ')}, before the fault, too` };
      const now = await away();
      return {
        bit: now.some((what) => what.includes(' has ')),
        saw: now.length > 0 ? now.join('; ') : 'every slot is where it was',
      };
    },
    async lookHealed() {
      const now = await away();
      return {
        bit: now.length === 0,
        saw: now.length > 0 ? `after the heal ${now.join('; ')}` : 'all came back',
      };
    },
  };
};
