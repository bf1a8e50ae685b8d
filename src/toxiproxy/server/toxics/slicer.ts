import type { Random } from '../../../core/prng.ts';
import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

const US_PER_MS = 1_000;

/** Cuts data into pieces of `average_size` +- `size_variation` bytes, with `delay` microseconds after each. */
export const slicer: ToxicType<'average_size' | 'size_variation' | 'delay'> = {
  name: 'slicer',
  goType: 'SlicerToxic',
  attributes: { average_size: 'int', size_variation: 'int', delay: 'int' },
  start({ attributes, output, random, startedMs }) {
    const queue = new DelayQueue(output);
    const pauseMs = attributes.delay / US_PER_MS;
    const size = { averageBytes: attributes.average_size, variationBytes: attributes.size_variation };
    let freeMs = startedMs;
    return queueing(queue, {
      push(data, atMs, receivedMs) {
        freeMs = Math.max(freeMs, atMs);
        for (const slice of sliced(data, size, random)) {
          queue.add(slice, freeMs, receivedMs);
          freeMs += pauseMs;
        }
      },
      end: (atMs) => queue.end(atMs),
    });
  },
};

/** Halves at a randomly shifted middle until a piece has at most average + variation bytes, or 1 byte. */
function* sliced(
  data: Buffer,
  size: { readonly averageBytes: number; readonly variationBytes: number },
  random: Random,
): Generator<Buffer> {
  const { averageBytes, variationBytes } = size;
  if (data.length <= Math.max(1, averageBytes + variationBytes)) {
    yield data;
    return;
  }
  const shift = Math.floor(random() * 2 * variationBytes) - variationBytes;
  const middle = Math.floor(data.length / 2) + shift;
  const cut = Math.min(Math.max(middle, 1), data.length - 1);
  yield* sliced(data.subarray(0, cut), size, random);
  yield* sliced(data.subarray(cut), size, random);
}
