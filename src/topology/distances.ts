/** A place on the Earth: latitude and longitude in degrees, north and east above 0. */
export type Position = readonly [latitude: number, longitude: number];

const EARTH_RADIUS_KM = 6_371;
/** Light in fibre: 200 km in a millisecond. */
const FIBRE_KM_PER_MS = 200;
/** Cables are longer than the shortest way. */
const DETOUR = 1.5;
/** Routers and the last mile, there and back. */
const ROUTERS_MS = 1;

/**
 * An estimate of the round trip between two places in whole milliseconds: there and back along 1.5 times the great circle
 * (haversine formula) at 200 km/ms, and 1 ms. The defaults of the known regions follow from it within a tenth.
 */
export function roundTripBetween(a: Position, b: Position): number {
  const kilometres = greatCircleKm(a, b);
  return Math.round((2 * DETOUR * kilometres) / FIBRE_KM_PER_MS + ROUTERS_MS);
}

/** The round trips of all pairs of these regions, keyed `a:b` in their order. */
export function roundTripsOf(positions: Readonly<Record<string, Position>>): Record<string, number> {
  const places = Object.entries(positions);
  return Object.fromEntries(
    places.flatMap(([a, from], at) =>
      places.slice(at + 1).map(([b, to]) => [`${a}:${b}`, roundTripBetween(from, to)]),
    ),
  );
}

function greatCircleKm([latitudeA, longitudeA]: Position, [latitudeB, longitudeB]: Position): number {
  const [from, to] = [radians(latitudeA), radians(latitudeB)];
  const half = (angle: number) => Math.sin(angle / 2) ** 2;
  const chord =
    half(to - from) + Math.cos(from) * Math.cos(to) * half(radians(longitudeB) - radians(longitudeA));
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
