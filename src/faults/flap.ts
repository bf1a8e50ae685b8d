import type { FlapSpec } from '../scenario/faults/flap.ts';
import { cutPairs } from '../topology/pairs.ts';
import { inBackground } from './support/background.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** A partition that alternates between cut (first) and healed; each period varies by up to half its length. */
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
