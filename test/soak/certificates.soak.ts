import { expect, it } from 'vitest';
import { examineHistory } from '../../src/checker/check.ts';
import { logSoak } from '../support/soak-log.ts';
import { KINDS, type Kind } from '../unit/certificates/changes.ts';
import { mutate } from '../unit/certificates/mutations.ts';
import { CORRECT } from '../unit/planted/correct.ts';
import { runSpecimen } from '../unit/planted/run.ts';

const MUTATIONS = 100_000;
const TITLES: Readonly<Record<Kind, string>> = {
  order: 'the order',
  moments: 'the moments',
  start: 'the first level',
  proves: 'what it proves: with or without denials',
  clock: 'the clock: its number, points, nodes or place',
  bucket: 'the bucket: that of another proof, or none of the history',
  repeated: 'the record: it is there twice',
  dropped: 'the record: it is missing',
};
const RUNS = 200;
const PER_RUN = 2_500;

it('the verifier refuses 100,000 changed proofs, unless a slow check finds them right', async () => {
  const seen = new Map(KINDS.map((kind) => [kind, { changed: 0, stillRight: 0 }]));
  let seed = 0;
  for (let changes = 0; changes < MUTATIONS; ) {
    const { kinds, acceptedWrong, refusedRight } = await mutate(++seed);
    expect({ seed, acceptedWrong, refusedRight }).toEqual({ seed, acceptedWrong: [], refusedRight: [] });
    for (const [kind, sums] of seen) {
      sums.changed += kinds[kind].changed;
      sums.stillRight += kinds[kind].stillRight;
      changes += kinds[kind].changed;
    }
  }
  logSoak('changed certificates', [
    `One random change of each proof, in ${seed} histories of buckets of at most 12 operations. A slow check decides which are still right.`,
    '',
    '| change of | proofs | still right, and accepted | wrong, and refused | mistakes |',
    '| --- | --- | --- | --- | --- |',
    ...[...seen].map(
      ([kind, { changed, stillRight }]) =>
        `| ${TITLES[kind]} | ${changed} | ${stillRight} | ${kind === 'dropped' ? 'not counted as proved' : kind === 'repeated' ? `${changed}, the second of each` : changed - stillRight} | 0 |`,
    ),
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
