import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../src/checker/certificates/certificate-lines.ts';
import { certificateRecords } from '../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../src/checker/check.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import { verify } from '../unit/certificates/verified.ts';
import type { Defect } from './reservations/limiter.ts';
import { contested, drawPlan } from './reservations/plan.ts';
import { type Recorded, runPlan } from './reservations/run.ts';

const HISTORIES = 3_000;
const BATCH = 1_000;
const BATCHES = Array.from({ length: HISTORIES / BATCH }, (_, at) => at * BATCH);

/** The least number of histories that have each: what is not in them is not tried. */
const LEAST: Readonly<Record<string, number>> = {
  ...{ settled: 2_000, 'settled, expiring': 1_100, 'never settled': 1_000, 'never settled, expiring': 500 },
  ...{ 'settled: allowed': 2_000, 'settled: info': 1_200, 'settled: failed': 600 },
  ...{ 'a repeated settlement': 1_500, 'a repeated reservation': 1_400, 'a repeated extension': 400 },
  ...{ 'extended: allowed': 800, 'extended: denied': 700, 'extended: info': 400, 'extended: failed': 500 },
  ...{ 'lost: never': 1_600, 'lost: in time': 1_600, 'lost: late': 1_600, refunds: 800, resets: 450 },
  ...{ 'several policies': 1_200, 'in mid-traffic': 400, cut: 800, levels: 1_200, stated: 1_200 },
};

function examine({ text }: Pick<Recorded, 'text'>) {
  const reader = new HistoryReader();
  reader.startFile('reservations');
  reader.push(new TextEncoder().encode(text));
  reader.endFile();
  const history = reader.finish();
  return { history, examination: examineHistory(history, { busiest: [] }) };
}

/** What the checker accuses the limiter of. */
function accusationsOf({ report }: ReturnType<typeof examine>['examination']): string[] {
  const { overAdmission, falseDenials, replay, dishonest, windows } = report;
  return Object.entries({ overAdmission, falseDenials, replay, dishonest, windows })
    .filter(([, { total }]) => total > 0)
    .map(([name]) => name);
}

describe('an exact limiter with reservations', () => {
  const features = new Map<string, number>();
  const verdicts = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

  it.each(BATCHES)(
    'is accused of nothing: 1,000 histories from seed %i on',
    (from) => {
      const wrong: unknown[] = [];
      for (let seed = from; seed < from + BATCH; seed++) {
        const plan = drawPlan(seed);
        const recorded = runPlan(plan);
        const { examination } = examine(recorded);
        const accusations = accusationsOf(examination);
        if (accusations.length > 0) wrong.push({ seed, accusations });
        for (const feature of recorded.features) count(features, feature);
        count(verdicts, examination.report.verdict);
      }
      expect(wrong).toEqual([]);
    },
    120_000,
  );

  it('is judged: in every way that is drawn, and thousands of histories pass', () => {
    const lacking = Object.entries(LEAST).filter(([feature, least]) => (features.get(feature) ?? 0) < least);
    expect(lacking.map(([feature]) => ({ feature, histories: features.get(feature) }))).toEqual([]);
    expect(verdicts.get('pass')).toBeGreaterThan(HISTORIES / 3);
    expect(verdicts.get('fail')).toBeUndefined();
  });

  it('gets proofs that the verifier takes, and no conviction that it confirms', async () => {
    let proved = 0;
    for (let seed = 0; seed < 50; seed++) {
      const recorded = runPlan({ ...drawPlan(seed), recording: 'whole' });
      const { history, examination } = examine(recorded);
      const certificate = [...certificateRecords(history.operations, examination)];
      const { counts, refused } = await verify(recorded.records, certificate);
      expect({ ...counts, seed, refusals: [...refused] }).toMatchObject({
        ...{ seed, refusals: [] },
        proved: examination.report.proofs?.proved,
      });
      const forged = await verify(recorded.records, [...certificate.slice(0, 1), ...forge(recorded)]);
      expect({ ...forged.counts, seed }).toMatchObject({ seed, excess: 0, denial: 0, refused: 0 });
      proved += counts.proved ?? 0;
    }
    expect(proved).toBeGreaterThan(15);
  }, 60_000);
});

/** All admissions as one window, and each denial, of buckets of one policy. */
function forge({ records }: Recorded): CertificateRecord[] {
  const operations = records.filter((record) => record.type === 'op');
  if (operations.some(({ charges }) => charges !== undefined)) return [];
  return [...new Set(operations.map(({ bucket }) => bucket))].flatMap((bucket): CertificateRecord[] => {
    let number = -1;
    const numbered = operations.flatMap((operation) => {
      if (operation.bucket !== bucket) return [];
      number++;
      const { outcome } = operation;
      const own = { number, outcome };
      if (outcome === 'allowed' || outcome === 'info')
        number +=
          (operation.extended?.length ?? 0) +
          Number(operation.settled !== undefined) +
          Number(operation.expiresUs !== undefined);
      return [own];
    });
    const of = (wanted: string) =>
      numbered.filter(({ outcome }) => outcome === wanted).map((one) => one.number);
    const [denied] = of('denied');
    return [
      ...(of('allowed').length > 0
        ? [{ type: 'excess' as const, bucket, fromUs: 0, untilUs: 0, operations: of('allowed') }]
        : []),
      ...(denied === undefined ? [] : [{ type: 'denial' as const, bucket, operation: denied }]),
    ];
  });
}

describe('a limiter that gives back wrongly', () => {
  const PLANTED: readonly (readonly [Defect, number])[] = [
    ['gives back the whole reservation', 0.98],
    ['gives back again at a repeated settlement', 0.9],
    ['gives back at the settlement and at the expiry', 0.65],
    ['gives back more than is held', 0.98],
    ['gives back though the settlement failed', 0.65],
  ];

  it.each(PLANTED)('%s: is convicted in a share of %d of the runs that show it', (defect, share) => {
    const seen = { shown: 0, convicted: 0 };
    for (let seed = 0; seed < 200; seed++) {
      const plan = contested(drawPlan(seed), defect.includes('expiry'));
      const recorded = runPlan(plan, defect);
      const { examination } = examine(recorded);
      if (!recorded.isShown) continue;
      seen.shown++;
      if (accusationsOf(examination).includes('overAdmission')) seen.convicted++;
    }
    expect(seen.shown).toBeGreaterThan(100);
    expect(seen.convicted / seen.shown).toBeGreaterThan(share);
  });

  it('is convicted by proofs that the verifier confirms', async () => {
    const confirmed: number[] = [];
    for (let seed = 0; seed < 12; seed++) {
      const recorded = runPlan(contested(drawPlan(seed), false), 'gives back the whole reservation');
      const { history, examination } = examine(recorded);
      if (!accusationsOf(examination).includes('overAdmission')) continue;
      const certificate = [...certificateRecords(history.operations, examination)];
      const { counts } = await verify(recorded.records, certificate);
      expect({ seed, refused: counts.refused }).toEqual({ seed, refused: 0 });
      confirmed.push(counts.excess ?? 0);
    }
    expect(confirmed.filter((excess) => excess > 0).length).toBeGreaterThan(confirmed.length / 2);
    expect(confirmed.length).toBeGreaterThan(6);
  }, 30_000);
});
