import { expect, it } from 'vitest';
import { KINDS } from './changes.ts';
import { certify, mutate } from './mutations.ts';
import { makeSlowCheck } from './slow-check.ts';
import { drawHistory } from './small-histories.ts';

const SEEDS = [1, 2, 4, 7, 9, 12];

it('small histories have retries, refunds, resets, drifting clocks and several files', () => {
  const histories = SEEDS.map(drawHistory);
  const operations = histories.flat(2).filter((record) => record.type === 'op');
  const ids = operations.flatMap(({ bucket, decisionId }) => (decisionId ? [`${bucket} ${decisionId}`] : []));
  expect(new Set(ids).size).toBeLessThan(ids.length);
  expect(operations.some(({ cost }) => cost < 0)).toBe(true);
  const resets = histories.flat(2).filter((record) => record.type === 'event');
  expect(new Set(resets.map(({ args }) => args === undefined))).toEqual(new Set([true, false]));
  expect(new Set(histories.map(({ length }) => length))).toEqual(new Set([1, 2, 3]));
  const clocks = histories.flatMap(certify).filter((record) => record.type === 'clock');
  expect(clocks.some((clock) => 'points' in clock && clock.points.length > 10)).toBe(true);
});

it.each(SEEDS)('the slow check finds every proof right that is not changed, seed %i', (seed) => {
  const files = drawHistory(seed);
  const certificate = certify(files);
  const proofs = certificate.filter(({ type }) => type === 'proof');
  expect(makeSlowCheck(files.flat()).rightProofs(certificate)).toEqual(proofs);
  expect(proofs.length).toBeGreaterThan(400);
});

it.each(SEEDS)('the verifier refuses every changed proof that is wrong, seed %i', async (seed) => {
  const { kinds, acceptedWrong, refusedRight } = await mutate(seed);
  expect(acceptedWrong).toEqual([]);
  expect(refusedRight).toEqual([]);
  for (const kind of KINDS) {
    const { changed, stillRight } = kinds[kind];
    expect(changed, kind).toBeGreaterThan(30);
    expect(stillRight, kind).toBeLessThan(kind === 'repeated' ? changed + 1 : 0.8 * changed);
  }
});
