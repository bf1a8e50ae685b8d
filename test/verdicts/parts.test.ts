import { describe, expect, it } from 'vitest';
import { calmPlan, trueExcess } from '../support/parts/excess.ts';
import { drawPlan } from '../support/parts/plan.ts';
import { plantExcess, tellLies, tryHeadroom } from '../support/parts/power.ts';
import { runPlan } from '../support/parts/run.ts';
import { emptyTally, judgeSeeds } from '../support/parts/tally.ts';

const HISTORIES = 1_200;
const SLICE = 400;

const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

/** The least number of histories that have each: what is not in them is not tried. */
const LEAST: Readonly<Record<string, number>> = {
  central: 240,
  acked: 240,
  lease: 120,
  external: 120,
  'parts: 1': 90,
  'parts: 2': 120,
  'parts: 3': 180,
  'parts: 4': 180,
  'machines with parts: 1': 240,
  'machines with parts: 2': 180,
  'machines with parts: 3': 120,
  'machines with parts: 4': 40,
  'the clock endpoint is on a machine of its own': 300,
  'the clock endpoint is on a machine of a part': 300,
  'a machine without pings': 10,
  'a machine without TIME': 120,
  'a part missing': 10,
  'a part cut short': 30,
  'a part copied': 10,
  'a part altered': 10,
  'a part that ran twice': 30,
  'a file of another run': 30,
  'a step ahead': 90,
  'a step back': 90,
  'a step within the errors of readings ahead': 60,
  'a step within the errors of readings back': 60,
  'a long pause': 180,
  failovers: 180,
  'failovers that lose state': 30,
  'several shards': 70,
  levels: 240,
  info: 180,
  'redis info': 120,
  failed: 60,
  'fallback allowed': 20,
  'fallback denied': 20,
  'local denied': 40,
  'lease denied': 60,
  'repeated answers': 40,
  refunds: 40,
  resets: 20,
};

describe('random histories of correct limiters in parts', () => {
  const tally = emptyTally();

  it.each(range(0, HISTORIES / SLICE))(
    'are accused of nothing, and none is refused: slice %i of 400',
    { timeout: 120_000 },
    (slice) => {
      const from = 1 + slice * SLICE;
      expect(judgeSeeds({ from, to: from + SLICE - 1 }, tally)).toEqual([]);
    },
  );

  it.each([
    { seed: 1_700, title: 'a primary that came back without its state: the one in between decided nothing' },
    { seed: 6_626, title: 'a takeover of a clock ahead: the clock of the node in between was never read' },
  ])('are accused of nothing with $title', ({ seed }) => {
    expect(judgeSeeds({ from: seed, to: seed }, emptyTally())).toEqual([]);
  });

  it('have everything in them that they are about', () => {
    const lacking = Object.entries(LEAST).filter(
      ([feature, least]) => (tally.features[feature] ?? 0) < least,
    );
    expect(lacking.map(([feature]) => ({ feature, histories: tally.features[feature] }))).toEqual([]);
  });

  it('are judged: buckets are drained, denials looked at, decisions replayed, and hundreds pass', () => {
    expect(tally.histories).toBe(HISTORIES);
    expect(tally.contested).toBeGreaterThan(HISTORIES / 2);
    expect(tally.judgedDenials).toBeGreaterThan(HISTORIES * 5);
    expect(tally.replayed).toBeGreaterThan(HISTORIES * 5);
    expect(tally.verdicts.pass ?? 0).toBeGreaterThan(HISTORIES / 8);
  });

  it('are of limiters that keep their policy in truth', () => {
    for (const seed of range(1, 200)) {
      const run = runPlan(calmPlan(drawPlan(seed)));
      for (const bucket of range(0, run.plan.buckets))
        expect({ seed, ...trueExcess(run, bucket) }).toMatchObject({ seed, tokens: 0 });
    }
  });
});

describe('an excess in one window of a history in parts', () => {
  it('is found wherever two refills of the widest interval cannot hide it', { timeout: 120_000 }, () => {
    const planted = range(1, 160).flatMap((seed) => {
      const found = plantExcess(seed);
      return found === undefined ? [] : [{ seed, ...found }];
    });
    const sure = planted.filter(({ tokens, surelySeen }) => tokens >= surelySeen);
    expect(sure.filter(({ isFound }) => !isFound)).toEqual([]);
    expect(sure.length).toBeGreaterThan(20);
  });

  it('is found from one token above the printed headroom on, and that headroom is exact', {
    timeout: 60_000,
  }, () => {
    const tried = range(1, 60).flatMap((seed) => {
      const found = tryHeadroom(seed);
      return found === undefined ? [] : [{ seed, ...found }];
    });
    expect(tried.filter(({ isFoundAbove, isFoundBelow }) => !isFoundAbove || isFoundBelow)).toEqual([]);
    for (const { printed, byDefinition } of tried) expect(printed).toBeCloseTo(byDefinition, 1);
    expect(tried.length).toBeGreaterThan(30);
  });
});

describe('readings that lie', () => {
  it('by more than their errors can hide make every verdict unknown', { timeout: 120_000 }, () => {
    const lies = range(1, 120).flatMap((seed) => {
      const found = tellLies(seed);
      return found === undefined ? [] : [{ seed, ...found }];
    });
    const certain = lies.filter(({ isCertain }) => isCertain);
    expect(certain.filter(({ verdict }) => verdict !== 'unknown')).toEqual([]);
    const passed = certain.filter(({ honest }) => honest === 'pass');
    for (const kind of ['a machine that jumps', 'a ping that lies', 'pings that lie', 'TIME that lies'])
      expect(passed.filter((one) => one.kind === kind).length, kind).toBeGreaterThan(0);
  });
});
