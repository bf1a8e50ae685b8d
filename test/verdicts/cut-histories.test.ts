import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/checker/check.ts';
import { parseClaim } from '../../src/checker/claims/claim.ts';
import { type Bucket, fullBucket, refill } from '../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { parsePromise } from '../../src/core/promise.ts';
import type { History } from '../../src/history/history.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import type { HistoryRecord } from '../../src/history/records/operation.ts';
import type { CheckDocument } from '../../src/report/check-report.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { headerOf, historyOf, type OperationPart } from '../support/history.ts';
import { ROOT } from '../support/readme.ts';
import { runReplicated } from '../unit/planted/replicated.ts';

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

describe('a run of a correct limiter, cut short', () => {
  const text = gunzipSync(readFileSync(join(ROOT, 'test/fixtures/central.ndjson.gz'))).toString();
  const lines = text.trimEnd().split('\n');
  const count = lines.length;

  it.each([
    { title: 'by its last line', kept: count - 1 },
    { title: 'by 10 lines', kept: count - 10 },
    { title: 'by 1,000 lines', kept: count - 1_000 },
    { title: 'by half of them', kept: Math.floor(count / 2) },
    { title: 'by three quarters of them', kept: Math.floor(count / 4) },
  ])('$title, is unknown, and its decisions are replayed', ({ kept }) => {
    const reader = new HistoryReader();
    reader.startFile('cut');
    reader.push(new TextEncoder().encode(`${lines.slice(0, kept).join('\n')}\n`));
    reader.endFile();
    const { verdict, replay, doubts } = checkHistory(reader.finish(), RULES);
    expect({ verdict, doubts, findings: replay.total }).toEqual({
      verdict: 'unknown',
      doubts: undefined,
      findings: 0,
    });
    expect(replay.replayed).toBeGreaterThan(0.9 * (kept - 200));
  });
});

describe('check', () => {
  const FIXTURES = join(ROOT, 'test/fixtures/verdicts');
  const OPEN = 'open-at-end.csv --from csv --key user --start start_s --end end_s --status status';
  const POLICY = '--capacity 2 --refill 1/10s';

  /** What is broken, and what the verdict rests on. */
  async function check(args: string) {
    const { stdout } = await callCli(['check', '--json', ...args.split(' ')], { cwd: FIXTURES });
    const { claims, verdict, assumptions = [], falseDenials }: CheckDocument = JSON.parse(stdout);
    const broken = claims.filter(({ status }) => status === 'broken').map(({ claim }) => claim);
    const reasons = claims.map(({ reason }) => reason).join('\n');
    return { verdict, broken, reasons, assumptions: assumptions.join('\n'), judged: falseDenials.judged };
  }

  it.each([
    {
      title: 'a decision that was made before another and ended after the end',
      file: 'cut-short-out-of-order.ndjson',
    },
    { title: 'a denial that raced with a step back below a millisecond', file: 'small-step-back.ndjson' },
    { title: 'the same among others', file: 'small-step-back-random.ndjson' },
    { title: 'what a refund from before the log gave back', file: 'refund-before-log.ndjson' },
    { title: 'the same with two admissions', file: 'refund-before-log-minimal.ndjson' },
  ])('convicts nothing for $title', async ({ file }) => {
    const { broken, assumptions } = await check(`${file} --contested 0`);
    expect(broken).toEqual([]);
    if (file.startsWith('refund'))
      expect(assumptions).toMatch(/the \d tokens admitted before the first reply may have been refunded/);
  });

  it('convicts a denial of a log only where too few requests can have been open at its end', async () => {
    expect(await check(`${OPEN} ${POLICY}`)).toMatchObject({
      verdict: 'unknown',
      reasons: expect.stringContaining(
        '1 more denial is false in 1 bucket, unless a request of a is missing from the history (at most 10 may be)',
      ),
      assumptions: expect.stringContaining(
        'at most 10 requests of one bucket were open when the history ended',
      ),
    });
    for (const sure of ['--complete', '--open-at-end 0'])
      expect(await check(`${OPEN} ${POLICY} ${sure}`)).toMatchObject({
        verdict: 'fail',
        broken: ['false-denials <= 0'],
      });
    expect((await check(`${OPEN} ${POLICY} --open-at-end 1`)).verdict).toBe('unknown');
    expect(
      (await callCli(['check', ...OPEN.split(' '), '--complete', '--open-at-end', '1'], { cwd: FIXTURES }))
        .code,
    ).toBe(64);
  });

  it('reads logs that follow each other as one, and two of places side by side as two', async () => {
    const all = gunzipSync(readFileSync(join(ROOT, 'docs/examples/nginx-access.log.gz')))
      .toString()
      .split('\n');
    const folder = testFolder();
    const written = (name: string, lines: readonly string[]) => {
      writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
      return join(folder, name);
    };
    const NGINX =
      '--from access-log --key api_key --end msec --duration request_time --unit s --status status';
    const judge = (...files: string[]) => check(`${files.join(' ')} ${NGINX} --capacity 21 --refill 5/s`);
    const whole = await judge(written('whole', all));
    const rotated = await judge(written('new', all.slice(1_000)), written('old', all.slice(0, 1_000)));
    expect(rotated.judged).toBe(whole.judged);
    expect(rotated.assumptions).toContain('old, ');
    expect(rotated.assumptions).toContain('are one log: each begins where the one before ends');
    const broken = [...all.slice(0, 999), all[999]?.slice(0, 40) ?? ''].join('\n');
    writeFileSync(join(folder, 'broken'), broken);
    const brokenOff = await judge(join(folder, 'new'), join(folder, 'broken'));
    expect(brokenOff).toMatchObject({ judged: 0, verdict: 'unknown' });
    expect(brokenOff.assumptions).not.toContain('are one log');
    const without = await judge(written('newest', all.slice(1_500)), join(folder, 'old'));
    expect(without).toMatchObject({
      judged: 0,
      reasons: expect.stringContaining('only while the 2 logs overlap'),
    });
    const odd = (one: number) => all.filter((_, at) => at % 2 === one);
    const apart = await judge(written('east', odd(0)), written('west', odd(1)));
    expect(apart.judged).toBeGreaterThan(whole.judged - 20);
    expect(apart.assumptions).not.toContain('are one log');
  });

  it.each([
    { title: 'a refund whose reply was not recorded', header: {}, want: 'unknown' },
    { title: 'nothing where there were no refunds', header: { refunds: 'none' as const }, want: 'fail' },
  ])('explains an excess of a history without an end by $title', ({ header, want }) => {
    const history = historyOf(
      [
        { cost: 2, completedUs: 1_000 },
        { cost: 2, invokedUs: 3_000, completedUs: 4_000 },
      ],
      { policy: '2:1/1000s', header, sent: null },
    );
    const { verdict, claims } = checkHistory(history, RULES);
    expect(verdict).toBe(want);
    if (want === 'unknown')
      expect(claims[0]?.reason).toMatch(/2 tokens too many .* unless a refund of b is missing/);
  });

  it('of a history that breaks off fails no bound, since a takeover may be missing', () => {
    const decision = { strategy: 'central', node: 'n', source: 'redis' as const };
    const admitted = Array.from({ length: 5 }, (_, at): OperationPart => ({ invokedUs: at, decision }));
    const judge = (sent?: null) =>
      checkHistory(
        historyOf(admitted, { policy: '2:1/s', header: { refunds: 'none' }, ...(sent === null && { sent }) }),
        {
          ...RULES,
          claims: [parseClaim('total-excess <= bound')],
          boundOf: () => ({ totalExcess: 1, worstWindow: 1, formula: '1' }),
        },
      );
    expect(judge().claims[0]).toMatchObject({ status: 'broken' });
    expect(judge(null).claims[0]).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('takeovers or restarts'),
    });
  });
});

describe('random histories of correct limiters, cut anywhere,', () => {
  /** From one on, in parts: a busy machine takes its time. */
  const PARTS = [0, 1, 2, 3];
  const seeds = (part: number, count: number) =>
    Array.from({ length: count }, (_, at) => part * count + at + 1);

  it.each(PARTS)(
    'of nodes that fail over, with decision ids, are convicted by no checker: part %i',
    (part) => {
      const seen = { denials: 0, replayed: 0 };
      for (const seed of seeds(part, 150)) {
        const { history, mayMint } = runReplicated(seed, makeRandom(seed, 'cut')());
        const { overAdmission, falseDenials, replay } = checkHistory(history, RULES);
        expect({
          ...{ seed, over: mayMint ? 0 : overAdmission.buckets, replay: replay.buckets },
          denials: falseDenials.buckets,
        }).toEqual({ seed, over: 0, denials: 0, replay: 0 });
        seen.denials += falseDenials.judged;
        seen.replayed += replay.replayed;
      }
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(2_000);
    },
  );

  it.each(PARTS)(
    'of two buckets with refunds, resets, long requests and levels are convicted by no checker: part %i',
    (part) => {
      const seen = { denials: 0, replayed: 0, doubted: 0 };
      for (const seed of seeds(part, 300)) {
        const { verdict, falseDenials, replay, doubts, claims } = checkHistory(cutBuckets(seed), RULES);
        expect({ seed, verdict, claims: verdict === 'fail' ? claims : [] }).toEqual({
          ...{ seed, verdict: 'unknown', claims: [] },
        });
        seen.denials += falseDenials.judged;
        seen.replayed += replay.replayed;
        if (doubts !== undefined) seen.doubted++;
      }
      expect(Math.min(seen.denials, seen.replayed)).toBeGreaterThan(1_000);
      expect(seen.doubted).toBeGreaterThan(10);
    },
  );

  it.each(['fixed-window:5/1ms', 'fixed-window:5/1ms:first', 'sliding-window:5/1ms'])(
    'of windows as in %s are not convicted',
    (text) => {
      const promise = parsePromise(text);
      for (const seed of seeds(0, 150)) {
        const report = checkHistory(cutWindows(seed, text), { ...RULES, promise });
        expect({ seed, verdict: report.verdict, windows: report.windows.findings[0]?.inequality }).toEqual({
          ...{ seed, verdict: 'unknown', windows: undefined },
        });
      }
    },
  );
});

/** When it took effect and when it was seen to; one in fifty is open for long. */
function around(random: Random, atUs: number, widthUs: number) {
  const afterUs = random() * random() * widthUs * (random() < 0.02 ? 100 : 1);
  return {
    invokedUs: atUs - Math.floor(random() * random() * widthUs),
    completedUs: atUs + Math.floor(afterUs),
  };
}

/** Operations and resets in the order in which they were written, without those after a random one. */
function cut(
  random: Random,
  { parts, resets, header }: { parts: OperationPart[]; resets: readonly HistoryRecord[]; header: object },
): History {
  const ordered = parts.toSorted((a, b) => (a.completedUs ?? 0) - (b.completedUs ?? 0));
  const kept = ordered.slice(0, 1 + Math.floor(random() * (parts.length - 1)));
  const untilUs = kept.at(-1)?.completedUs ?? 0;
  const records = resets.filter((record) => 'atUs' in record && record.atUs <= untilUs);
  return historyOf(kept, { header: { ...headerOf(), ...header }, records, sent: null });
}

/** Two exact buckets of one node that are charged alone or together, refunded and reset; of each what happened is drawn. */
function cutBuckets(seed: number): History {
  const random = makeRandom(seed, 'cut buckets');
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const policies: Record<string, Policy> = { x: makePolicy(4, '1/ms'), y: makePolicy(7, '3/2ms') };
  const [refundRate, resetRate, severalRate] = [pick([0, 0.1]), pick([0, 0.03]), pick([0, 0.3])];
  const [widthUs, hasLevels] = [pick([200, 3_000]), random() < 0.6];
  const levels = new Map<string, Bucket>(
    Object.entries(policies).map(([name, policy]) => [name, fullBucket(policy, 0)]),
  );
  const change = (name: string, nowUs: number, tokens: number): Bucket | undefined => {
    const policy = policies[name] as Policy;
    const { levelQuanta, updatedAtUs } = refill(levels.get(name) as Bucket, policy, nowUs);
    const changed = levelQuanta + tokens * policy.quantaPerToken;
    if (changed < 0) return undefined;
    const bucket = { levelQuanta: Math.min(policy.capacityQuanta, changed), updatedAtUs };
    levels.set(name, bucket);
    return bucket;
  };
  const parts: OperationPart[] = [];
  const resets: HistoryRecord[] = [];
  let nowUs = 10_000;
  for (let index = 0; index < 150; index++) {
    nowUs += Math.floor(random() * 700);
    const name = pick(['x', 'y']);
    const place = { ...around(random, nowUs, widthUs), bucket: name, policy: name };
    if (random() < resetRate) {
      resets.push({ type: 'event', event: 'reset', atUs: nowUs, args: { bucket: name } });
      change(name, nowUs, 100);
    } else if (random() < refundRate) {
      change(name, nowUs, 1);
      parts.push({ ...place, cost: -1 });
    } else if (random() < severalRate) {
      const isAllowed = change('x', nowUs, -1) && (change('y', nowUs, -2) || !change('x', nowUs, 1));
      const charges = Object.keys(policies).map((policy, at) => ({ bucket: policy, policy, cost: at + 1 }));
      parts.push({ ...place, charges, outcome: isAllowed ? 'allowed' : 'denied' });
    } else {
      const cost = pick([1, 1, 1, 3]);
      const left = change(name, nowUs, -cost);
      const { levelQuanta, updatedAtUs } =
        left ?? refill(levels.get(name) as Bucket, policies[name] as Policy, nowUs);
      const decision = { strategy: 'central', node: 'n', source: 'redis' as const, levelQuanta };
      parts.push({
        ...{ ...place, cost, outcome: left === undefined ? 'denied' : 'allowed' },
        ...(hasLevels && { decision: { ...decision, atUs: nowUs, bucketUs: updatedAtUs } }),
      });
    }
  }
  const records = Object.entries(policies).map(([name, { capacityTokens, refill: rate }]) => [
    ...[name, { capacity: capacityTokens, refill: rate }],
  ]);
  const isWithout = refundRate + resetRate === 0 && random() < 0.5;
  const header = { policies: Object.fromEntries(records), ...(isWithout && { refunds: 'none' }) };
  return cut(random, { parts, resets, header });
}

/** Five in each window of a millisecond: a log of the last one, or windows that start with the first one in them. */
function cutWindows(seed: number, promise: string): History {
  const random = makeRandom(seed, promise);
  const widthUs = [1, 300, 3_000][seed % 3] as number;
  const parts: OperationPart[] = [];
  let [nowUs, startUs, used] = [10_000, 0, 0];
  let log: number[] = [];
  for (let index = 0; index < 200; index++) {
    nowUs += Math.floor(random() * random() * 300);
    if (nowUs >= startUs + 1_000) [startUs, used] = [nowUs, 0];
    log = log.filter((atUs) => atUs > nowUs - 1_000);
    const isAllowed = promise.startsWith('sliding') ? log.length < 5 && log.push(nowUs) > 0 : ++used <= 5;
    parts.push({ ...around(random, nowUs, widthUs), outcome: isAllowed ? 'allowed' : 'denied' });
  }
  return cut(random, { parts, resets: [], header: { refunds: 'none' } });
}
