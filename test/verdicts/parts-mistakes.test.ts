import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MappedParts } from '../../src/checker/machines/map-parts.ts';
import type { OffsetPoint } from '../../src/checker/machines/offset-point.ts';
import type { Segment } from '../../src/checker/machines/segments.ts';
import { SteadyOffset } from '../../src/checker/machines/steady-offset.ts';

/** A mistake in one module of the checker: what that exports instead. */
interface Mistake {
  readonly title: string;
  readonly module: keyof typeof MODULES;
  /** A history that shows it; absent: one of the first. */
  readonly seed?: number;
  // biome-ignore lint/suspicious/noExplicitAny: the exports of any of the modules
  mistaken(right: any): object;
}

const MODULES = {
  point: '../../src/checker/machines/offset-point.ts',
  segments: '../../src/checker/machines/segments.ts',
  stepping: '../../src/checker/machines/stepping-clock.ts',
  mapTimes: '../../src/checker/machines/map-times.ts',
  mapParts: '../../src/checker/machines/map-parts.ts',
  rows: '../../src/checker/machines/row-clocks.ts',
  parts: '../../src/history/parts/parts.ts',
} as const;

/** The most histories from that seed on in which a mistake may stay unseen. */
const MOST = 100;

/** The intersection of all readings, as if a step could not hide. */
class Intersection {
  readonly #offset: SteadyOffset;

  constructor(segments: readonly Segment[], rate: number) {
    const points = segments.flatMap(({ points, steppedUs }) =>
      points.map((point) => ({
        ...point,
        lowest: point.lowest - steppedUs,
        highest: point.highest - steppedUs,
      })),
    );
    this.#offset = new SteadyOffset(points, rate);
  }

  least(us: number): number {
    return us + this.#offset.lowest(us);
  }

  most(us: number): number {
    return us + this.#offset.highest(us);
  }
}

const withNodes = (mapped: MappedParts, change: Partial<NonNullable<MappedParts['ofNodes']>>): MappedParts =>
  mapped.ofNodes === undefined ? mapped : { ...mapped, ofNodes: { ...mapped.ofNodes, ...change } };

const MISTAKES: readonly Mistake[] = [
  { title: 'clocks that do not drift', module: 'point', mistaken: () => ({ ratioOf: () => 0 }) },
  {
    title: 'replies that take as long as requests',
    module: 'point',
    mistaken: ({ pointOf }) => ({
      pointOf(seen: unknown, rate: number): OffsetPoint {
        const point: OffsetPoint = pointOf(seen, rate);
        const middle = (point.lowest + point.highest) / 2;
        return { ...point, lowest: middle - 1, highest: middle + 1 };
      },
    }),
  },
  {
    title: 'the intersection of readings in place of their hull',
    module: 'stepping',
    mistaken: () => ({ SteppingClock: Intersection }),
  },
  {
    title: 'a step that is forgotten',
    module: 'segments',
    mistaken: ({ findSegments }) => ({
      findSegments: (points: unknown, rate: number) => ({
        segments: findSegments(points, rate).segments.slice(0, 1),
        steps: [],
      }),
    }),
  },
  {
    title: 'times that are not mapped',
    module: 'mapTimes',
    mistaken: () => ({ mapTimes: (table: unknown) => table }),
  },
  {
    title: 'a successor whose lead is not declared',
    seed: 1789,
    module: 'mapParts',
    mistaken: ({ mapParts }) => ({
      mapParts: (...args: unknown[]) => withNodes(mapParts(...args), { offsets: () => new Map() }),
    }),
  },
  {
    title: 'buckets that wait for no clock',
    module: 'mapParts',
    mistaken: ({ mapParts }) => ({
      mapParts(...args: unknown[]) {
        const mapped: MappedParts = mapParts(...args);
        return withNodes(mapped, {
          boundsWith: (grant) => ({
            ...(mapped.ofNodes?.boundsWith(grant) as ReturnType<
              NonNullable<MappedParts['ofNodes']>['boundsWith']
            >),
            backwardUs: 0,
            spreadUs: 0,
          }),
        });
      },
    }),
  },
  {
    title: 'all on the axis of the base, without a grant',
    seed: 1505,
    module: 'rows',
    mistaken: ({ clocksOfBase }) => ({
      clocksOfNodes: (
        { operations }: { operations: unknown },
        { parts, clocks }: { parts: unknown; clocks: unknown },
      ) => clocksOfBase(operations, parts, clocks),
    }),
  },
  {
    title: 'denials that are judged though a part is missing',
    module: 'parts',
    mistaken: () => ({ lacksParts: () => false }),
  },
];

describe('a checker of parts with one mistake', () => {
  afterEach(() => {
    for (const module of Object.values(MODULES)) vi.doUnmock(module);
    vi.resetModules();
  });

  it.each(MISTAKES)(
    'is wrong about a correct limiter or honest clocks: $title',
    { timeout: 120_000 },
    async ({ module, mistaken, seed: first = 1 }) => {
      vi.resetModules();
      vi.doMock(MODULES[module], async (right) => {
        const exports = await right<object>();
        return { ...exports, ...mistaken(exports) };
      });
      const { emptyTally, judgeSeeds } = await import('../support/parts/tally.ts');
      const tally = emptyTally();
      let wrong: unknown[] = [];
      for (let seed = first; wrong.length === 0 && seed < first + MOST; seed++)
        wrong = judgeSeeds({ from: seed, to: seed }, tally);
      expect(wrong).not.toEqual([]);
    },
  );
});
