import type { FlapSpec } from '../scenario/fault-spec.ts';
import { inBackground } from './background.ts';
import type { Inject } from './fault.ts';
import { cutPairs } from './partition.ts';
import { orUndo } from './undo.ts';

/** A partition that comes and goes, down first; every length varies by up to half of it. */
export const flap: Inject<FlapSpec> = async (spec, { regions: { links, topology }, random, signal }) => {
  const pairs = cutPairs(spec, topology);
  const vary = (ms: number) => ms * (0.5 + random());
  let flapping = inBackground(signal, async () => {});
  return orUndo(
    async () => {
      await links.cut(pairs, spec.mode);
      flapping = inBackground(signal, async (wait) => {
        for (;;) {
          if ((await wait(vary(spec.downMs))) === 'over') return;
          await links.restore(pairs);
          if ((await wait(vary(spec.upMs))) === 'over') return;
          await links.cut(pairs, spec.mode);
        }
      });
    },
    () => flapping.stop().finally(() => links.restore(pairs)),
  );
};
