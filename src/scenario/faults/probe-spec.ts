import { z } from 'zod';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { choice, duration, type IssueDetail, mapping, regionName } from '../fields.ts';
import { formatDuration, parseDurationIn } from '../units.ts';

/** What our own look at the system must see of a fault by commands. It names one place. */
export interface ProbeSpec {
  readonly probe: ProbeName;
  /** All nodes of this region; without nodes, its service. */
  readonly region?: string;
  readonly node?: string;
  /** The service of this region. */
  readonly service?: string;
  /** Of `latency`: how much a round trip grows, at least. */
  readonly byMs?: number;
}

export type ProbeName = (typeof PROBE_NAMES)[number];

const PROBE_NAMES = ['unreachable', 'failover', 'latency', 'restart'] as const;
const PLACES = ['region', 'node', 'service'] as const;
const BY = { leastMs: 1, mostMs: 60_000 };

const FORM = 'a probe with a place, like unreachable,region=eu-west or latency,node=eu-1,by=100ms';
const ONE_PLACE = 'exactly one of region, node and service';
const NO_SERVICE = 'a region or a node; services have neither roles nor processes that are read';
const NEEDS_BY = 'by for latency, like by: 100ms, and for no other probe';

export const probeSchema = mapping({
  probe: choice(PROBE_NAMES).meta({
    description:
      'unreachable: no reply; failover: a role changed; latency: a round trip grew; restart: no reply or another process, and another process after the heal.',
  }),
  region: regionName()
    .optional()
    .meta({ description: 'Every node of this region; without nodes, its service.' }),
  node: z.string({ error: 'a node name' }).optional().meta({ description: 'This node.' }),
  service: regionName()
    .optional()
    .meta({ description: 'The service of this region, to which only a connection is made.' }),
  by: duration(BY).optional().meta({ description: 'Of latency: how much a round trip grows, at least.' }),
})
  .superRefine((probe, context) => {
    const wrong = lackOf(probe.probe, probe, probe.by);
    const params: IssueDetail = { found: quoted(probe.probe) };
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, params });
  })
  .transform(
    ({ by, region, node, service, probe }): ProbeSpec => ({
      probe,
      ...(region !== undefined && { region }),
      ...(node !== undefined && { node }),
      ...(service !== undefined && { service }),
      ...(by !== undefined && { byMs: by }),
    }),
  );

type Place = { readonly [Key in (typeof PLACES)[number]]?: string | undefined };

function lackOf(probe: ProbeName, place: Place, by: unknown): string | undefined {
  if (PLACES.filter((key) => place[key] !== undefined).length !== 1) return ONE_PLACE;
  if (place.service !== undefined && (probe === 'failover' || probe === 'restart')) return NO_SERVICE;
  return (probe === 'latency') === (by !== undefined) ? undefined : NEEDS_BY;
}

/** Reads `latency,node=eu-1,by=100ms`. Throws INVALID_OPTION. */
export function parseProbe(text: string): ProbeSpec {
  const [name = '', ...parts] = text.split(',');
  const probe = PROBE_NAMES.find((one) => one === name);
  const given = new Map(parts.map((part) => part.split('=', 2) as [string, string | undefined]));
  const by = given.get('by');
  const byMs = by === undefined ? undefined : parseDurationIn(BY, by);
  const place = Object.fromEntries(PLACES.map((key) => [key, given.get(key)]).filter(([, value]) => value));
  const isKnown = [...given.keys()].every((key) => key === 'by' || PLACES.some((one) => one === key));
  if (probe === undefined || !isKnown || (by !== undefined && byMs === undefined))
    throw invalidOption(`expected ${FORM}; found ${quoted(text)}`);
  const wrong = lackOf(probe, place, byMs);
  if (wrong !== undefined) throw invalidOption(`expected ${wrong}; found ${quoted(text)}`);
  return { probe, ...place, ...(byMs !== undefined && { byMs }) };
}

/** Writes what `parseProbe` reads. */
export function formatProbe({ probe, byMs, ...place }: ProbeSpec): string {
  const parts = PLACES.flatMap((key) => (place[key] === undefined ? [] : [`${key}=${place[key]}`]));
  return [probe, ...parts, ...(byMs === undefined ? [] : [`by=${formatDuration(byMs)}`])].join(',');
}
