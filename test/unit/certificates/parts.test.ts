import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../../src/core/prng.ts';
import type { ClockReading, HistoryRecord } from '../../../src/history/records/operation.ts';
import { CORRECT } from '../planted/correct.ts';
import { changeParts, PART_KINDS } from './changed-parts.ts';
import { certifyParts, complete, divided, inParts, type PartFiles } from './part-runs.ts';
import { rightProofsOfParts } from './slow-parts.ts';
import { drawRun } from './small-histories.ts';
import { verifyFiles } from './verified.ts';

const SEEDS = [1, 3, 4];

describe('a correct run in parts has as many proofs as the same run of one recorder:', () => {
  it.each(CORRECT)('$name', async (specimen) => {
    const options = specimen.splits === true ? { falseDenialsAtMost: Number.POSITIVE_INFINITY } : {};
    const proofs = [0, 0];
    for (const seed of SEEDS) {
      const { one, parts } = divided(specimen, seed);
      for (const [at, files] of [[one], parts].entries()) {
        const certificate = certifyParts(files, options);
        const { proved = 0, admissionsProved = 0 } = certificate.at(-1) as unknown as Record<string, number>;
        proofs[at] = (proofs[at] ?? 0) + proved + admissionsProved;
        const { counts, refused } = await verifyFiles(files, certificate);
        expect({ seed, refused: [...refused] }).toEqual({ seed, refused: [] });
        expect({ seed, ...counts }).toMatchObject({ seed, proved, admissionsProved });
      }
    }
    expect(proofs[1]).toBeGreaterThan(0.9 * (proofs[0] ?? 0));
  });
});

/** Small buckets in parts; the attempts of a decision stay in one. */
function smallParts(seed: number, delayUs?: number): PartFiles {
  const { header, operations, others, nodes } = drawRun(seed);
  const regionOf = (text: string) => `r${[...text].reduce((sum, one) => sum + one.charCodeAt(0), 0) % 3}`;
  const records: HistoryRecord[] = [
    header,
    ...operations.map((operation, index) => ({
      ...operation,
      region: regionOf(operation.decisionId ?? `${index}`),
    })),
    ...others.filter(({ type }) => type === 'event'),
  ];
  const show = (us: number, name: string) => nodes.find((node) => node.name === name)?.show(us) ?? us;
  return inParts(
    { records, nodes: nodes.map(({ name }) => name), show, driftPpm: 10, ...(delayUs && { delayUs }) },
    seed,
  );
}

it('readings that are too coarse to show a drift leave it to the decisions', async () => {
  const files = smallParts(2, 200_000);
  const certificate = certifyParts(files);
  const { counts, refused } = await verifyFiles(files, certificate);
  expect([...refused]).toEqual([]);
  expect(counts.proved).toBeGreaterThan(100);
});

describe('the verifier agrees with a slow check on the proofs of a run in parts:', () => {
  it.each([1, 2, 4, 7])('seed %i', async (seed) => {
    const files = smallParts(seed);
    const own = certifyParts(files);
    expect(rightProofsOfParts(files, own)).toHaveLength(own.filter(({ type }) => type === 'proof').length);
    const { certificate, kinds } = changeParts(own, makeRandom(seed, 'changed parts'));
    const right = new Set(rightProofsOfParts(files, certificate).map(({ bucket }) => bucket));
    const { refused } = await verifyFiles(files, certificate);
    for (const [bucket, kind] of kinds)
      expect({ bucket, kind, isRefused: refused.has(bucket) }).toEqual({
        ...{ bucket, kind, isRefused: !right.has(bucket) },
      });
    for (const kind of PART_KINDS) {
      const changed = [...kinds].filter(([, one]) => one === kind);
      const wrong = changed.filter(([bucket]) => !right.has(bucket));
      expect(wrong.length, kind).toBeGreaterThan(0.1 * changed.length);
      expect(changed.length, kind).toBeGreaterThan(50);
    }
  });

  it('a changed reading refuses its clock, and with that all its proofs', async () => {
    const files = smallParts(7);
    const certificate = certifyParts(files);
    for (const source of [undefined, 'machine'] as const) {
      const changed = files.map((file, at) => (at === 0 ? complete(withReading(file, source)) : file));
      const { counts, refusals } = await verifyFiles(changed, certificate);
      expect(counts).toMatchObject({ proved: 0, admissionsProved: 0 });
      expect(refusals[0]?.[1]).toMatch(/^it contradicts a reading of /);
    }
  });
});

/** A part with one reading that shows a tenth of a second more. */
function withReading(file: readonly HistoryRecord[], source: ClockReading['source']): HistoryRecord[] {
  const at = file.findIndex((record) => record.type === 'clock' && record.source === source) + 1;
  const reading = file[at] as ClockReading;
  return file.with(at, { ...reading, serverUs: reading.serverUs + 100_000 });
}
