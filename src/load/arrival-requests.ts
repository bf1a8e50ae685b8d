import { makeRandom } from '../core/prng.ts';
import type { Arrival, Arrivals } from './arrivals.ts';
import { drawActual, makeCostDraw } from './costs.ts';
import type { HasShare } from './parts.ts';
import type { LoadShape, UserDraw } from './users.ts';

/** A region whose arrivals are sent. */
interface ArrivalRegion {
  readonly name: string;
  readonly draw: UserDraw;
}

/**
 * Gives each arrival its request; leaves out regions that are undefined, and what `has` denies. The draws of a region are
 * a stream of the seed and the region, and each of its arrivals draws, also one that is dropped or that another part
 * sends: so a part sends what the undivided load sends, whatever the replies. A user is present or not at the time when
 * the request is due.
 */
export function* drawRequests(
  arrivals: Arrivals,
  shape: LoadShape,
  { regions, has }: { readonly regions: readonly (ArrivalRegion | undefined)[]; readonly has: HasShare },
): Generator<Arrival, undefined> {
  const draws = regions.map((region) => region && drawsOf(region, shape));
  const counts = regions.map(() => 0);
  for (let next = arrivals.next(); !next.done; next = arrivals.next()) {
    const { region } = next.value;
    const nth = counts[region] ?? 0;
    counts[region] = nth + 1;
    const arrival = draws[region]?.(next.value);
    if (arrival !== undefined && has(region, nth)) yield arrival;
  }
  return undefined;
}

function drawsOf({ name, draw }: ArrivalRegion, shape: LoadShape): (arrival: Arrival) => Arrival {
  const stream = `arrivals of ${name}`;
  const random = makeRandom(shape.seed, stream);
  const drawCost = makeCostDraw(shape, stream);
  return (arrival) => {
    const { user, cost } = arrival.request ?? {
      user: draw(random, arrival.atUs / 1_000).name,
      cost: drawCost(random),
    };
    const actual = drawActual(shape.actuals, cost, random);
    const body = random();
    const { atUs, region } = arrival;
    return { atUs, region, request: { user, cost, actual, body: () => body } };
  };
}
