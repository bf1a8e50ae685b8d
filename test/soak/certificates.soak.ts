import { expect, it } from 'vitest';
import { certificateRecords } from '../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../src/checker/check.ts';
import { logSoak } from '../support/soak-log.ts';
import { KINDS, type Kind } from '../unit/certificates/changes.ts';
import { certifyGroups, runGroups } from '../unit/certificates/group-runs.ts';
import { certify, mutate } from '../unit/certificates/mutations.ts';
import { drawHistory } from '../unit/certificates/small-histories.ts';
import { type Verified, verify, verifyFiles } from '../unit/certificates/verified.ts';
import { certifyWindows, runWindows } from '../unit/certificates/window-runs.ts';
import { BROKEN } from '../unit/planted/broken.ts';
import { CORRECT } from '../unit/planted/correct.ts';
import { runSpecimen } from '../unit/planted/run.ts';
import { WINDOW_PROMISES } from '../unit/planted/stated-windows.ts';

const MUTATIONS = Number(process.env.OPENCLAW_RL_SOAK_CHANGES ?? 100_000);
const HONEST = Number(process.env.OPENCLAW_RL_SOAK_HISTORIES ?? 10_000);
const TITLES: Readonly<Record<Kind, string>> = {
  order: 'the order',
  moments: 'the moments',
  start: 'the first level',
  proves: 'what it proves: with or without denials',
  clock: 'the clock: its number, points, nodes or place',
  bucket: 'the bucket: that of another proof, or none of the history',
  fields: 'the fields: unknown ones, texts, fractions, numbers of more than 32 bits',
  repeated: 'the record: it is there twice',
  dropped: 'the record: it is missing',
};
const RUNS = 200;
const PER_RUN = 2_500;

it('the verifier refuses changed proofs, unless a slow check finds them right', async () => {
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

/** The histories of which one after the other is judged: what `refused` and the counts of the verifier are of each. */
const HONEST_KINDS: Readonly<Record<string, (seed: number) => Promise<Verified>>> = {
  'small buckets, in one to three files': (seed) => {
    const files = drawHistory(seed);
    return verifyFiles(files, certify(files));
  },
  'limiters of the planted runs, correct and broken': (seed) => {
    const specimen = SPECIMENS[seed % SPECIMENS.length] as (typeof SPECIMENS)[number];
    const declared = specimen.splits === true && { falseDenialsAtMost: Number.POSITIVE_INFINITY };
    const { history, records } = runSpecimen(specimen, seed, 300);
    const examination = examineHistory(history, {
      busiest: [],
      contestedAtLeast: 0,
      infoAtMost: 1,
      ...declared,
    });
    return verify(records, [...certificateRecords(history.operations, examination)]);
  },
  'decisions that charge several buckets': (seed) =>
    certifyGroups(
      runGroups({
        seed,
        count: 100,
        widthUs: 5_000,
        shared: seed % 2 ? 'one of all users' : 'one of his own',
      }),
    ),
  'windows of five promises': (seed) => {
    const { promise, make } = WINDOW_PROMISES[
      seed % WINDOW_PROMISES.length
    ] as (typeof WINDOW_PROMISES)[number];
    const limiterOf = () => {
      const limiter = make();
      return (nowUs: number, cost: number) => {
        const isAllowed = limiter.see(nowUs).room >= cost;
        for (let token = 0; isAllowed && token < cost; token++) limiter.take(nowUs);
        return isAllowed;
      };
    };
    return certifyWindows(runWindows(limiterOf, { seed, count: 300, widthUs: 50_000, mostCost: 2 }), promise);
  },
};
const SPECIMENS = [...CORRECT, ...BROKEN];

it('the verifier refuses no certificate of the checker', async () => {
  const kinds = Object.entries(HONEST_KINDS);
  const seen = kinds.map(([title]) => ({ title, certificates: 0, proved: 0, convictions: 0, undecided: 0 }));
  for (let seed = 1; seed <= HONEST; seed++) {
    const [title, run] = kinds[seed % kinds.length] as (typeof kinds)[number];
    const { counts, refusals } = await run(seed);
    expect({ seed, title, refusals }).toEqual({ seed, title, refusals: [] });
    const sums = seen[seed % kinds.length] as (typeof seen)[number];
    sums.certificates++;
    sums.proved += (counts.proved ?? 0) + (counts.admissionsProved ?? 0);
    sums.convictions += (counts.excess ?? 0) + (counts.denial ?? 0);
    sums.undecided += counts.undecided ?? 0;
  }
  logSoak('honest certificates', [
    'Certificates of the checker, each verified as it was written.',
    '',
    '| history | certificates | refused | buckets proved | convictions confirmed | not confirmed |',
    '| --- | --- | --- | --- | --- | --- |',
    ...seen.map(
      ({ title, certificates, proved, convictions, undecided }) =>
        `| ${title} | ${certificates} | 0 | ${proved} | ${convictions} | ${undecided} |`,
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
