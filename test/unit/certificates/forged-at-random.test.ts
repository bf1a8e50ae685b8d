import { expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import type { HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { bytesOf } from '../../support/read-history.ts';
import { CORRECT } from '../planted/correct.ts';
import { runSpecimen } from '../planted/run.ts';
import { disguised } from './disguises.ts';
import { forge, forgeEach, HEAD } from './forge.ts';
import { divided } from './part-runs.ts';
import { drawReservations } from './reserving-histories.ts';
import { drawHistory } from './small-histories.ts';
import { certificateText, verifyFiles, verifyTexts } from './verified.ts';

const seeds = Array.from({ length: 6 }, (_, seed) => seed);
const isClock = (record: HistoryRecord) => record.type === 'clock' && record.source === undefined;
const isAdmittedBy = ({ outcome, decision }: Operation) =>
  outcome === 'allowed' && decision?.source === 'fallback';

/** Tries convictions of the history that the texts are, and gives their number. */
async function tryAll(
  texts: readonly string[],
  records: readonly HistoryRecord[],
  forged: readonly CertificateRecord[],
) {
  const reader = new HistoryReader();
  for (const [number, text] of texts.entries()) {
    reader.startFile(`${number}.ndjson`);
    reader.push(bytesOf(text));
    reader.endFile();
  }
  expect(reader.finish().operations.bucketCount).toBe(500); // it is a history
  const { counts } = await verifyTexts(texts, certificateText(records, [HEAD, ...forged]));
  const { excess, denial, refused = 0, undecided = 0 } = counts;
  expect([excess, denial, refused + undecided]).toEqual([0, 0, forged.length]);
  return undecided;
}

it.each(seeds)(
  'no conviction of an ideal limiter is confirmed, however its history is written: seed %i',
  async (seed) => {
    const random = makeRandom(seed, 'forged');
    const isUnread = random() < 0.5; // then decisions alone show the clocks
    const files = drawHistory(seed).map((records) => records.filter((one) => !(isUnread && isClock(one))));
    const operations = files.flat().filter((record) => record.type === 'op');
    const ofPolicy = new Set(operations.filter(isAdmittedBy).map(({ bucket }) => bucket)); // more than the bucket has
    const forged = forgeEach(files.flat(), random, (bucket) => ofPolicy.has(bucket));
    expect(await tryAll(disguised(files, random), files.flat(), forged)).toBeGreaterThan(400);
  },
);

it.each(seeds)('nor one with reservations: seed %i', async (seed) => {
  const random = makeRandom(seed, 'forged');
  const records = drawReservations(seed);
  const forged = forgeEach(records, random);
  expect(await tryAll(disguised([records], random), records, forged)).toBe(forged.length);
});

const whole = CORRECT.filter(({ splits }) => splits !== true);
it.each(whole)('nor one in parts, or whose clock only decisions show: $name', async (specimen) => {
  for (const seed of seeds.slice(0, 2)) {
    const { one, parts } = divided(specimen, seed);
    const unread = runSpecimen(specimen, seed, 600, { areClocksRead: false }).records;
    for (const files of [parts, [one], [unread]]) {
      const { counts } = await verifyFiles(files, [HEAD, ...forge(files.flat(), seed)]);
      expect({ seed, ...counts }).toMatchObject({ seed, excess: 0, denial: 0 });
    }
  }
});
