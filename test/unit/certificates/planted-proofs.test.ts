import { describe, expect, it } from 'vitest';
import { certificateRecords } from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import type { CheckOptions } from '../../../src/checker/check-options.ts';
import { BucketRows } from '../../../src/checker/rows/bucket-rows.ts';
import { BROKEN } from '../planted/broken.ts';
import { CORRECT } from '../planted/correct.ts';
import type { Specimen } from '../planted/limiter.ts';
import { runSpecimen } from '../planted/run.ts';
import { verify } from './verified.ts';

const OPERATIONS = 1_000;
const SEEDS = Array.from({ length: 3 }, (_, at) => at + 1);
const RULES: CheckOptions = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const rulesOf = ({ splits }: Specimen): CheckOptions =>
  splits === true ? { ...RULES, falseDenialsAtMost: Number.POSITIVE_INFINITY } : RULES;

describe('the verifier accepts every proof and every conviction that it is given:', () => {
  it.each([...CORRECT, ...BROKEN])('$name', async (specimen) => {
    for (const seed of SEEDS) {
      const { history, records } = runSpecimen(specimen, seed, OPERATIONS);
      const examination = examineHistory(history, rulesOf(specimen));
      const { proved, admissionsProved } = examination.certificates.counts;
      const { counts, refused } = await verify(records, [
        ...certificateRecords(history.operations, examination),
      ]);
      expect({ seed, refused: [...refused] }).toEqual({ seed, refused: [] });
      expect({ seed, ...counts }).toMatchObject({ seed, proved, admissionsProved });
    }
  });
});

/** A replay convicts wrong levels, with which the answers themselves can be right. */
describe('no bucket has a proof that is convicted of its answers:', () => {
  it.each(BROKEN)('$name', (specimen) => {
    for (const seed of SEEDS) {
      const { history } = runSpecimen(specimen, seed, OPERATIONS);
      const { withFindings, certificates } = examineHistory(history, rulesOf(specimen));
      const rows = new BucketRows(history.operations);
      for (const { bucket, denials, over } of withFindings) {
        if (over.drops.length + (specimen.splits === true ? 0 : denials.length) === 0) continue;
        rows.load(bucket);
        expect({ seed, bucket, proof: certificates.find(rows)?.proof }).toEqual({ seed, bucket });
      }
    }
  });
});
