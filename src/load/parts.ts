import { invalidOption } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';

/** One region's share of a load, or the `nth` (from 1) of `of` equal shares of it. */
export interface LoadPart {
  readonly region: string;
  readonly nth: number;
  readonly of: number;
}

/** The most shares of one region. */
const MOST_SHARES = 1_000;

/** `eu-west`, or `eu-west:2/3` for the second of three. */
export function partName({ region, nth, of }: LoadPart): string {
  return of === 1 ? region : `${region}:${nth}/${of}`;
}

/** Reads the name of a part of a load in these regions. Throws INVALID_OPTION. */
export function parsePart(name: string, regions: readonly string[]): LoadPart {
  const [, region = '', nth = '1', of = '1'] = /^([^:]*)(?::(\d+)\/(\d+))?$/.exec(name) ?? [];
  const part = { region, nth: Number(nth), of: Number(of) };
  const isShare = part.nth >= 1 && part.nth <= part.of && part.of <= MOST_SHARES;
  if (!isShare || !regions.includes(region))
    throw invalidOption(
      `a part is a region (${regions.join(', ')}) or a share of it, like ${regions[0]}:2/3; found ${quoted(name)}`,
    );
  return part;
}

/** All parts of a load: each region in this many equal shares. */
export function partsOf(regions: readonly string[], each = 1): LoadPart[] {
  return regions.flatMap((region) =>
    Array.from({ length: each }, (_, index) => ({ region, nth: index + 1, of: each })),
  );
}

/** Whether some parts have the nth connection, or the nth arrival, of a region; both from 0. */
export type HasShare = (region: number, nth: number) => boolean;

/** Connections and arrivals of a region are dealt to its shares in turn. Without parts all are in. */
export function sharesOf(parts: readonly LoadPart[] | undefined, regions: readonly string[]): HasShare {
  if (parts === undefined) return () => true;
  return (region, nth) =>
    parts.some((part) => part.region === regions[region] && nth % part.of === part.nth - 1);
}

/**
 * The numbers of the connections that these parts have, as in the undivided load: connection c is of region c mod
 * regions. Throws INVALID_OPTION for a part without a connection.
 */
export function connectionsOf(
  parts: readonly LoadPart[] | undefined,
  { connections, regions }: { readonly connections: number; readonly regions: readonly string[] },
): number[] {
  const most = Math.max(1, ...(parts ?? []).map(({ of }) => of));
  if (connections < most * regions.length)
    throw invalidOption(
      most === 1
        ? `a load needs a connection for each of its ${regions.length} regions; found ${connections}`
        : `a load needs a connection for each of its ${most * regions.length} parts; found ${connections}`,
    );
  const has = sharesOf(parts, regions);
  const all = Array.from({ length: connections }, (_, number) => number);
  return all.filter((number) => has(number % regions.length, Math.floor(number / regions.length)));
}
