import { expect, it } from 'vitest';
import { examineHistory } from '../../src/checker/check.ts';
import { logSoak } from '../support/soak-log.ts';
import { mutate } from '../unit/certificates/mutations.ts';
import { CORRECT } from '../unit/planted/correct.ts';
import { runSpecimen } from '../unit/planted/run.ts';

const MUTATIONS = 100_000;
const RUNS = 200;
const PER_RUN = 2_500;

it('the verifier refuses 100,000 changed proofs, unless a slow check finds them right', async () => {
  const seen = { changed: 0, stillRight: 0 };
  for (let seed = 1; seen.changed < MUTATIONS; seed++) {
    const { changed, stillRight, acceptedWrong, refusedRight } = await mutate(seed);
    expect({ seed, acceptedWrong, refusedRight }).toEqual({ seed, acceptedWrong: [], refusedRight: [] });
    seen.changed += changed;
    seen.stillRight += stillRight;
  }
  logSoak('changed certificates', [
    'One random change of each proof, of buckets of at most 12 operations, seeds from 1 on. A slow check decides which are still right.',
    '',
    '| changed | still right, and accepted | wrong, and refused | mistakes |',
    '| --- | --- | --- | --- |',
    `| ${seen.changed} | ${seen.stillRight} | ${seen.changed - seen.stillRight} | 0 |`,
  ]);
});

it('the share of buckets of correct limiters that are proved', () => {
  const rows = CORRECT.map((specimen) => {
    const seen = { operations: 0, levels: [0, 0], answers: [0, 0] };
    for (let seed = 1; seed <= RUNS; seed++) {
      const { history, circumstances } = runSpecimen(specimen, seed, PER_RUN);
      const declared = specimen.splits === true && { falseDenialsAtMost: Number.POSITIVE_INFINITY };
      const rules = { busiest: [], contestedAtLeast: 0, infoAtMost: 1, ...declared };
      const { proved, admissionsProved, convicted, open } = examineHistory(history, rules).certificates
        .counts;
      expect({ seed, convicted }).toEqual({ seed, convicted: 0 });
      const counts = circumstances.hasLevels ? seen.levels : seen.answers;
      counts[0] = (counts[0] ?? 0) + proved + admissionsProved;
      counts[1] = (counts[1] ?? 0) + open;
      seen.operations += history.operations.rows;
    }
    const share = ([proved = 0, open = 0]: readonly number[]) =>
      `${proved} of ${proved + open} (${((100 * proved) / (proved + open)).toFixed(1)}%)`;
    return `| ${specimen.name} | ${seen.operations} | ${share(seen.levels)} | ${share(seen.answers)} |`;
  });
  logSoak('buckets of correct limiters that are proved', [
    'The circumstances of the soak of the checker: costs, clocks apart, lost replies, retries and doubled requests. Seeds from 1 on.',
    '',
    '| limiter | operations | with levels | without |',
    '| --- | --- | --- | --- |',
    ...rows,
  ]);
});
