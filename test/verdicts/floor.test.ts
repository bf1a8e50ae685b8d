import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/checker/check.ts';
import { leastAdmitted, windowsBehind } from '../../src/checker/windows/least-admitted.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { parsePromise, type WindowPromise } from '../../src/core/promise.ts';
import { historyOf, type OperationPart } from '../support/history.ts';
import { drawLimiter, LIMITERS, locked } from '../support/simulated/window-limiters.ts';

const MS = 1_000;

interface Drawn {
  readonly name: string;
  readonly promise: string;
  /** In microseconds of the recorder; each with the moment at which it was decided. */
  readonly requests: readonly (OperationPart & { readonly cost: number; readonly completedUs: number })[];
}

/** A load of bursts, rests and single requests on one limiter, with costs and latencies of one kind. */
function draw(random: Random, isLocked = false): Drawn {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(from.length * random())] as T;
  const limit = 1 + Math.floor(random() ** 2 * 30);
  const windowMs = pick([50, 300, 1_000, 4_000]);
  const { name, promise, decide } = drawLimiter(pick(LIMITERS), { limit, windowMs, random });
  const mostCost = pick([1, 1, 3, limit, limit + 2]);
  const costOf = () => (random() < 0.7 ? 1 : 1 + Math.floor(mostCost * random()));
  const [meanMs, burst] = [windowMs / pick([0.5, limit / 2, 2 * limit, 6 * limit]), pick([1, 1, limit + 2])];
  const latencyMs = pick([0, 2, windowMs / 20, windowMs]);
  const windows = pick([1, 3, 6, 12]);
  const sent: { fromMs: number; atMs: number; untilMs: number; cost: number }[] = [];
  for (let ms = windowMs * random(); ms < windows * windowMs && sent.length < 150; ) {
    for (let one = random() < 0.2 ? burst : 1; one > 0; one--) {
      const tookMs = latencyMs * random() * (random() < 0.05 ? 5 : 1);
      const atMs = ms + tookMs * random();
      sent.push({ fromMs: ms, atMs, untilMs: ms + tookMs, cost: costOf() });
    }
    ms += random() < 0.05 ? 2 * windowMs * random() : 2 * meanMs * random();
  }
  const decided = isLocked ? locked(decide) : decide;
  const requests = sent
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ fromMs, atMs, untilMs, cost }) => ({
      invokedUs: Math.floor(fromMs * MS),
      completedUs: Math.ceil(untilMs * MS),
      cost,
      outcome: decided(atMs, cost) ? ('allowed' as const) : ('denied' as const),
    }))
    .toSorted((a, b) => a.invokedUs - b.invokedUs);
  return { name, promise, requests };
}

function idealOf({ promise, requests }: Drawn): number {
  const { limit, windowUs, ...rest } = parsePromise(promise) as WindowPromise;
  const demand = requests.map(({ invokedUs = 0, completedUs, cost }) => ({
    ...{ fromUs: invokedUs, untilUs: completedUs, cost },
  }));
  const lengthUs = windowsBehind({ limit, windowUs, ...rest } as WindowPromise) * windowUs;
  return leastAdmitted(demand, { limit, lengthUs });
}

const admittedOf = ({ requests }: Drawn) =>
  requests.reduce((sum, { outcome, cost }) => sum + (outcome === 'allowed' ? cost : 0), 0);

/** The claim on what was admitted, of the history as a log of which some replies are lost. */
function claimOn({ promise, requests }: Drawn, random: Random) {
  const lost = random() < 0.3 ? 0.05 : 0;
  const parts = requests.map((part): OperationPart => {
    if (random() >= lost) return part;
    const wasFailed = part.outcome === 'denied';
    return {
      ...part,
      outcome: wasFailed ? 'failed' : 'info',
      completedUs: wasFailed ? part.completedUs : null,
    };
  });
  const report = checkHistory(historyOf(parts, { header: { clocks: 'apart' } }), {
    ...{ busiest: [], promise: parsePromise(promise) },
  });
  return report.claims.find(({ claim }) => claim.startsWith('admitted'));
}

describe('what every limiter of a promise must admit', () => {
  it('U2: is admitted by 20,000 random correct limiters', () => {
    const random = makeRandom(1, 'floor');
    const above: unknown[] = [];
    const ratios: number[] = [];
    for (let round = 0; round < 20_000; round++) {
      const drawn = draw(random);
      const [ideal, admitted] = [idealOf(drawn), admittedOf(drawn)];
      if (ideal > admitted) above.push({ round, name: drawn.name, promise: drawn.promise, ideal, admitted });
      if (drawn.requests.some(({ outcome }) => outcome === 'denied') && admitted > 0)
        ratios.push(ideal / admitted);
    }
    expect(above).toEqual([]);
    expect(ratios.length).toBeGreaterThan(10_000);
    expect(ratios.reduce((sum, one) => sum + one, 0) / ratios.length).toBeGreaterThan(0.6);
  }, 60_000);

  it('U2: is missed by none of 800 correct limiters whose replies are lost, and by those that lock out', () => {
    const random = makeRandom(2, 'floor');
    const counts = { holds: 0, unknown: 0, broken: 0, none: 0 };
    const caught = { holds: 0, unknown: 0, broken: 0, none: 0 };
    for (let round = 0; round < 800; round++) {
      const drawn = draw(random);
      const { status, reason } = claimOn(drawn, random) ?? {};
      expect(status, `round ${round}, ${drawn.name}: ${reason}`).not.toBe('broken');
      counts[status ?? 'none']++;
      caught[claimOn(draw(random, true), () => 1)?.status ?? 'none']++;
    }
    expect(counts.holds).toBeGreaterThan(200);
    expect(caught.broken).toBeGreaterThan(120);
  }, 60_000);
});
