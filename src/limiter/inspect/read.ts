import { OpenclawError } from '../../core/errors.ts';
import { describeFailure } from '../redis/errors.ts';
import { readSlotView, type SlotView } from '../redis/slot-owners.ts';
import type { Address, InspectPort, Reply } from './port.ts';
import { ARTICLE_FIELDS, readStored, type Stored } from './stored.ts';

/** The value of a key on one node, and the node's clock. */
export interface BucketReading {
  readonly stored: Stored;
  readonly clockUs: number;
  /** As PTTL: -1 never expires, -2 no key. */
  readonly ttlMs: number;
}

/** The report of one node about its copy. */
export interface CopyReading {
  readonly address: string;
  readonly role?: 'primary' | 'replica';
  readonly offset?: number;
  /** For a replica: whether its link to the primary is up. */
  readonly linked?: boolean;
  /** The configuration epoch: of two nodes that report themselves as primary, the higher epoch is right. */
  readonly epoch?: number;
  readonly bucket: BucketReading | OpenclawError;
}

/** The nodes with a copy, and those reported as primary. */
export interface Layout {
  readonly isCluster: boolean;
  readonly claims: readonly Address[];
  readonly copies: readonly Address[];
}

export const addressText = ({ host, port }: Address) => `${host}:${port}`;

/** Asks each of these nodes for its view, at its `direct` address. Rejects with the first node's error if none replies. */
export async function readLayout(
  port: InspectPort,
  seeds: readonly Address[],
  { slot, direct }: { readonly slot: number; readonly direct: (announced: Address) => Address },
): Promise<Layout> {
  const views = await fulfilled(
    seeds.map((target) =>
      readView(port, direct(target), slot, { target }).then((view) => ({ target, view })),
    ),
  );
  const clustered = views.flatMap(({ view }) => view ?? []);
  if (clustered.length > 0) {
    return {
      isCluster: true,
      claims: unique(clustered.flatMap(({ primary }) => (primary ? [primary] : []))),
      copies: unique(clustered.flatMap(({ copies }) => copies)),
    };
  }
  return mergeStandalone(
    await fulfilled(views.map(({ target }) => readStandalone({ port, direct }, target))),
  );
}

/** The results of those that succeed; rejects with the error of the first if none does. */
async function fulfilled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  const [first] = settled;
  const values = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (values.length === 0 && first?.status === 'rejected') throw first.reason;
  return values;
}

/** While two nodes call themselves the primary, the one with more followers comes first. */
function mergeStandalone(layouts: readonly Layout[]): Layout {
  const named = layouts.flatMap(({ claims }) => claims);
  const votes = (claim: Address) => named.filter((other) => addressText(other) === addressText(claim)).length;
  const claims = unique(named).sort((a, b) => votes(b) - votes(a));
  return {
    isCluster: false,
    claims,
    copies: unique([...claims, ...layouts.flatMap(({ copies }) => copies)]),
  };
}

/** One node's view of a slot; undefined if it is not a cluster node. */
export async function readView(
  port: InspectPort,
  to: Address,
  slot: number,
  { target = to, from }: { target?: Address; from?: string } = {},
): Promise<(SlotView & { readonly isOk: boolean }) | undefined> {
  const commands = [
    ['CLUSTER', 'SLOTS'],
    ['CLUSTER', 'SHARDS'],
    ['CLUSTER', 'INFO'],
  ];
  const { replies } = await port.ask(to, commands, from);
  const [slots, shards, info] = replies;
  if (slots instanceof Error && /cluster support disabled/i.test(slots.message)) return undefined;
  if (slots instanceof Error) throw (await sentinelAt(port, to, from)) ?? refusal(slots, to);
  return {
    ...readSlotView(slot, { slots, shards, target, isTls: port.isTls }),
    isOk: String(info).includes('cluster_state:ok'),
  };
}

/** The error of a Sentinel in the place of a server, with the primaries that it knows; undefined if it is none. */
async function sentinelAt(
  port: InspectPort,
  at: Address,
  from: string | undefined,
): Promise<OpenclawError | undefined> {
  const { replies } = await port.ask(at, [['SENTINEL', 'MASTERS']], from);
  if (!Array.isArray(replies[0])) return undefined;
  const primaries = replies[0].map((fields: unknown[]) => {
    const of = (field: string) => String(fields[fields.indexOf(field) + 1]);
    return { name: of('name'), host: of('ip'), port: Number(of('port')) };
  });
  const known = primaries.map((primary) => `${primary.name} at ${addressText(primary)}`).join(', ');
  return new OpenclawError(
    'REDIS_REFUSED',
    `${addressText(at)} is a Sentinel, which has no buckets; it knows the primary ${known || 'of no name'}`,
    {
      hint: 'look there: openclaw-rl inspect <user> --cluster redis://host:port; or name Sentinels and servers in a file for --endpoints',
    },
  );
}

const MOST_HOPS = 4;

/** A standalone server: from a replica up to its primary, then the primary's replicas. */
async function readStandalone(
  { port, direct }: { readonly port: InspectPort; readonly direct: (announced: Address) => Address },
  start: Address,
): Promise<Layout> {
  const passed: Address[] = [];
  let at: Address | undefined = start;
  while (at !== undefined && passed.length < MOST_HOPS) {
    passed.push(at);
    const role: unknown = await port.ask(direct(at), [['ROLE']]).then(
      ({ replies }): unknown => replies[0],
      (error: unknown) => error,
    );
    if (role instanceof Error && passed.length === 1)
      throw role instanceof OpenclawError ? role : refusal(role, at);
    const [kind, host, portOrReplicas]: unknown[] = Array.isArray(role) ? role : [];
    if (kind === 'slave') {
      at = { host: String(host), port: Number(portOrReplicas) };
      continue;
    }
    const replicas = Array.isArray(portOrReplicas) ? portOrReplicas : [];
    const copies = replicas.map(([ip, replicaPort]) => ({ host: String(ip), port: Number(replicaPort) }));
    return { isCluster: false, claims: [at], copies: unique([at, ...passed, ...copies]) };
  }
  return { isCluster: false, claims: [], copies: passed };
}

/** Reads one node's copy, primary or replica. Never rejects. */
export async function readCopy(
  port: InspectPort,
  { address, direct, key, isCluster }: { address: string; direct: Address; key: string; isCluster: boolean },
): Promise<CopyReading> {
  const own = [['ROLE'], ['INFO', 'replication'], ...(isCluster ? [['CLUSTER', 'INFO'], ['READONLY']] : [])];
  try {
    const { replies } = await port.ask(direct, [...own, ...bucketCommands(key)]);
    const [role, replication, info] = replies;
    const kind = Array.isArray(role) ? role[0] : undefined;
    const text = replication instanceof Error ? '' : String(replication);
    const offset = new RegExp(`^${kind}_repl_offset:(\\d+)`, 'm').exec(text)?.[1]; // a replica has both
    const epoch = isCluster ? /cluster_my_epoch:(\d+)/.exec(String(info))?.[1] : undefined;
    return {
      address,
      ...(kind === 'master' && { role: 'primary' }),
      ...(kind === 'slave' && { role: 'replica', linked: text.includes('master_link_status:up') }),
      ...(offset !== undefined && { offset: Number(offset) }),
      ...(epoch !== undefined && { epoch: Number(epoch) }),
      bucket: readBucket(replies.slice(own.length), direct),
    };
  } catch (error) {
    return { address, bucket: error as OpenclawError };
  }
}

/** The read commands for one bucket. */
export const bucketCommands = (key: string) => [
  ['GET', key],
  ['HMGET', key, ...ARTICLE_FIELDS],
  ['PTTL', key],
  ['TIME'],
];

/** Parses the replies of `bucketCommands`; returns an error if the node refused one. */
export function readBucket(replies: readonly Reply[], target: Address): BucketReading | OpenclawError {
  const [value, fields] = replies.slice(0, 2).map((reply) => (isOfOtherType(reply) ? null : reply));
  const [ttl, time] = replies.slice(2);
  const failed = [value, fields, ttl, time].find((reply) => reply instanceof Error);
  if (failed !== undefined) return refusal(failed as Error, target);
  const ttlMs = Number(ttl);
  const [seconds, microseconds] = (time as unknown[]).map(Number);
  return {
    stored: readStored({ value: value as Uint8Array | null, fields: fields as unknown[] | null, ttlMs }),
    clockUs: (seconds ?? 0) * 1_000_000 + (microseconds ?? 0),
    ttlMs,
  };
}

function isOfOtherType(reply: Reply): boolean {
  return reply instanceof Error && reply.message.startsWith('WRONGTYPE');
}

function refusal(error: Error, target: Address): OpenclawError {
  return describeFailure(error, { written: true, node: addressText(target) }, undefined);
}

function unique(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((address) => [addressText(address), address])).values()];
}
