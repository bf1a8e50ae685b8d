import { invalidOption, type OpenclawError } from '../../core/errors.ts';
import { checkKnown, type Known } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';
import { SLOTS } from '../redis/hash-slot.ts';

/** A homes table, as `openclaw-rl homes` writes it. Every process that limits the same subjects must have the same. */
export interface HomesTable {
  /** `openclaw-homes`. */
  readonly format: string;
  /** 1. */
  readonly version: number;
  /** The regions by name: 1 to 64 letters, digits and `_ . -`. */
  readonly regions: Readonly<Record<string, WrittenRegion>>;
}

/** A region of a homes table. */
export interface WrittenRegion {
  /** The slots that the region's primaries own, for example `0-5460,5462`. A slot belongs to one region. */
  readonly slots: string;
  /** All nodes of the region, primaries and replicas, by the `host:port` of decisions; IPv6 without brackets. */
  readonly nodes?: readonly string[];
}

/** A region, read from a table. */
export interface HomeRegion {
  readonly name: string;
  /** Ascending, at least one. */
  readonly slots: readonly number[];
  readonly nodes: readonly string[];
  owns(slot: number): boolean;
}

const HOMES_FORMAT = 'openclaw-homes';
const HOMES_VERSION = 1;

const KNOWN: Known<HomesTable> = { format: true, version: true, regions: true };
const KNOWN_OF_REGION: Known<WrittenRegion> = { slots: true, nodes: true };

/** Reads a table. Throws INVALID_OPTION, also for a slot or a node that two regions have. */
export function readHomesTable(value: unknown): ReadonlyMap<string, HomeRegion> {
  checkKnown(value as HomesTable, { of: 'homes', known: KNOWN, hint: HINT });
  const { format, version, regions } = value as { readonly [Name in keyof HomesTable]: unknown };
  if (format !== HOMES_FORMAT) throw wrong(`homes.format must be ${HOMES_FORMAT}; found ${quoted(format)}`);
  if (version !== HOMES_VERSION)
    throw wrong(`homes.version must be ${HOMES_VERSION}; found ${quoted(version)}`);
  if (typeof regions !== 'object' || regions === null || Array.isArray(regions))
    throw wrong(`homes.regions must be an object; found ${quoted(regions)}`);
  const read = Object.entries(regions).map(([name, region]) => readRegion(name, region));
  if (read.length === 0) throw wrong('homes.regions must name at least one region');
  refuseShared('slot', read, ({ slots }) => slots);
  refuseShared('node', read, ({ nodes }) => nodes);
  return new Map(read.map((region) => [region.name, region]));
}

function readRegion(name: string, region: WrittenRegion): HomeRegion {
  const of = `homes.regions.${name}`;
  if (!/^[\w.-]{1,64}$/.test(name))
    throw wrong(`a region's name is 1 to 64 letters, digits and _ . - ; found ${quoted(name)}`);
  checkKnown(region, { of, known: KNOWN_OF_REGION, hint: HINT });
  const { slots, nodes = [] } = region as { readonly slots: unknown; readonly nodes?: unknown };
  const isNode = (node: unknown) => typeof node === 'string' && /^[^\s[\]]+:\d{1,5}$/.test(node);
  if (!Array.isArray(nodes) || !nodes.every(isNode))
    throw wrong(
      `${of}.nodes must be a list of host:port, IPv6 without brackets, as decisions name them; found ${quoted(nodes)}`,
    );
  const listed = readSlots(slots, of);
  const owned = new Uint8Array(SLOTS);
  for (const slot of listed) owned[slot] = 1;
  return {
    name,
    nodes: nodes as string[],
    slots: [...new Set(listed)].sort((a, b) => a - b),
    owns: (slot) => owned[slot] === 1,
  };
}

function readSlots(text: unknown, of: string): number[] {
  const slots: number[] = [];
  for (const range of typeof text === 'string' ? text.split(',') : ['']) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to < SLOTS))
      throw wrong(`${of}.slots must be ranges of 0 to ${SLOTS - 1}, like 0-99,205; found ${quoted(text)}`);
    for (let slot = from; slot <= to; slot++) slots.push(slot);
  }
  return slots;
}

/** A slot that is listed twice in one region counts once. */
function refuseShared(
  what: string,
  regions: readonly HomeRegion[],
  valuesOf: (region: HomeRegion) => readonly (number | string)[],
): void {
  const regionOf = new Map<number | string, string>();
  for (const region of regions)
    for (const value of valuesOf(region)) {
      const other = regionOf.get(value);
      if (other !== undefined && other !== region.name)
        throw wrong(`${what} ${value} is in two regions of homes, ${other} and ${region.name}`);
      regionOf.set(value, region.name);
    }
}

const HINT = 'write the table again by openclaw-rl homes';

function wrong(what: string): OpenclawError {
  return invalidOption(what, HINT);
}
