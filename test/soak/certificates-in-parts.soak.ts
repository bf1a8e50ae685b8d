import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { writeParts } from '../support/parts/files.ts';
import { isWhole, type Judged, judgeParts } from '../support/parts/judge.ts';
import { drawPlan } from '../support/parts/plan.ts';
import { runPlan } from '../support/parts/run.ts';
import { logSoak } from '../support/soak-log.ts';

const HISTORIES = Number(process.env.OPENCLAW_RL_SOAK_HISTORIES ?? 10_000);
const VERIFIER = join(import.meta.dirname, '../../verify/verify.mjs');
const run = promisify(execFile);

type Counts = Readonly<Record<string, number>>;

/** What the verifier says of the certificate of a judged history; its last line has the counts. */
async function verify({ files, certificate }: Pick<Judged, 'files' | 'certificate'>) {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-soak-'));
  try {
    const paths = files.map((_, at) => join(folder, `${at}.ndjson`));
    for (const [at, path] of paths.entries()) writeFileSync(path, files[at]?.text ?? '');
    const own = join(folder, 'certificate.ndjson');
    writeFileSync(
      own,
      certificate()
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    );
    const { stdout } = await run(process.execPath, [VERIFIER, own, ...paths]).catch((error) => error);
    const lines = String(stdout).trimEnd().split('\n');
    return { counts: JSON.parse(lines.pop() ?? '{}') as Counts, refusals: lines };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('the verifier refuses no certificate of a history in parts, and confirms no wrong verdict on one', async () => {
  const sums = {
    histories: 0,
    whole: 0,
    buckets: 0,
    proved: 0,
    admissionsProved: 0,
    excess: 0,
    denial: 0,
    replay: 0,
  };
  const wrong: { readonly seed: number; readonly why: string }[] = [];
  for (let seed = 1; sums.histories < HISTORIES; seed++) {
    const plan = drawPlan(seed);
    sums.histories++;
    if (!isWhole(plan)) continue;
    sums.whole++;
    const judged = judgeParts(plan, writeParts(runPlan(plan)));
    const { counts, refusals } = await verify(judged);
    const { proofs, overAdmission } = judged.report;
    for (const name of ['buckets', 'proved', 'admissionsProved', 'excess', 'denial', 'replay'] as const)
      sums[name] += counts[name] ?? 0;
    if (refusals.length > 0) wrong.push({ seed, why: refusals[0] ?? '' });
    if (counts.proved !== proofs?.proved || counts.admissionsProved !== proofs?.admissionsProved)
      wrong.push({ seed, why: `proved ${counts.proved} of ${proofs?.proved}` });
    if ((counts.denial ?? 0) > 0 && plan.strategy !== 'lease')
      wrong.push({ seed, why: 'confirms a false denial' });
    if ((counts.excess ?? 0) > overAdmission.buckets)
      wrong.push({ seed, why: 'confirms more excess than is found' });
  }
  logSoak('certificates of histories in parts', [
    'The random histories of *histories in parts* of which all parts are there: judged, certified and verified by verify/verify.mjs.',
    'The limiters are correct; *excess* is what they declare, after a step of a clock or a failover that lost state.',
    '',
    '| histories | certified | refused, or wrong | buckets | proved | admissions proved | excess confirmed | denials confirmed | replays listed |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    `| ${sums.histories} | ${sums.whole} | ${wrong.length} | ${sums.buckets} | ${sums.proved} | ${sums.admissionsProved} | ${sums.excess} | ${sums.denial} | ${sums.replay} |`,
  ]);
  expect(wrong).toEqual([]);
});
