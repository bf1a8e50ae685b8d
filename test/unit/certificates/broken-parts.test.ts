import { expect, it } from 'vitest';
import { BROKEN } from '../planted/broken.ts';
import { certifyParts, divided } from './part-runs.ts';
import { verifyFiles } from './verified.ts';

/** Of these the history begins in mid-traffic. */
const SEED = 1;

it.each(BROKEN)(
  'the verifier confirms in parts what it confirms of one recorder: $name',
  async (specimen) => {
    const options = specimen.splits === true ? { falseDenialsAtMost: Number.POSITIVE_INFINITY } : {};
    const { one, parts } = divided(specimen, SEED);
    const inParts = await verifyFiles(parts, certifyParts(parts, options));
    expect([...inParts.refused]).toEqual([]);
    const { excess, denial, replay } = (await verifyFiles([one], certifyParts([one], options))).counts;
    expect(inParts.counts).toMatchObject({ excess, denial, replay, undecided: 0 });
  },
);
