import { OpenclawError } from '../core/errors.ts';
import type { Address, InspectPort, Reply } from './inspect-port.ts';
import { describeFailure } from './redis-errors.ts';
import { readSlotView, type SlotView } from './slot-owners.ts';
import { ARTICLE_FIELDS, readStored, type Stored } from './stored.ts';

/** What a node keeps at a key, by its own clock. */
export interface BucketReading {
  readonly stored: Stored;
  readonly clockUs: number;
  /** As PTTL: -1 never expires, -2 no key. */
  readonly ttlMs: number;
}

/** One node that keeps a copy, by its own word. */
export interface CopyReading {
  readonly address: string;
  readonly role?: 'primary' | 'replica';
  readonly offset?: number;
  /** Of a replica: whether it is linked with its primary. */
  readonly linked?: boolean;
  /** The configuration epoch: of two that say they are the primary, the higher one is. */
  readonly epoch?: number;
  readonly bucket: BucketReading | OpenclawError;
}

/** Who the copies are, and who is said to be the primary. */
export interface Layout {
  readonly isCluster: boolean;
  readonly claims: readonly Address[];
  readonly copies: readonly Address[];
}

export const addressText = ({ host, port }: Address) => `${host}:${port}`;

/** Asks each of these nodes for its view. Rejects with the first one's reason when none answers. */
export async function readLayout(
  port: InspectPort,
  seeds: readonly { readonly announced: Address; readonly direct: Address }[],
  slot: number,
): Promise<Layout> {
  const answers = await Promise.allSettled(
    seeds.map(async ({ announced, direct }) => readView(port, direct, slot, { asked: announced })),
  );
  const views = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const [first] = answers;
  if (views.length === 0 && first?.status === 'rejected') throw first.reason;
  const clustered = views.filter((view) => view !== undefined);
  if (clustered.length > 0) {
    return {
      isCluster: true,
      claims: unique(clustered.flatMap(({ primary }) => (primary ? [primary] : []))),
      copies: unique(clustered.flatMap(({ copies }) => copies)),
    };
  }
  return readStandalone(port, seeds[0]?.direct);
}

/** One node's view of a slot; undefined where it is no node of a cluster. */
export async function readView(
  port: InspectPort,
  to: Address,
  slot: number,
  { asked = to, from }: { asked?: Address; from?: string } = {},
): Promise<(SlotView & { readonly isOk: boolean }) | undefined> {
  const commands = [
    ['CLUSTER', 'SLOTS'],
    ['CLUSTER', 'SHARDS'],
    ['CLUSTER', 'INFO'],
  ];
  const { replies } = await port.ask(to, commands, from);
  const [slots, shards, info] = replies;
  if (slots instanceof Error && /cluster support disabled/i.test(slots.message)) return undefined;
  if (slots instanceof Error) throw refusal(slots, to);
  return {
    ...readSlotView(slot, { slots, shards, asked, isTls: port.isTls }),
    isOk: String(info).includes('cluster_state:ok'),
  };
}

const MOST_HOPS = 4;

/** A server by itself: from a replica up to its primary, then the primary's replicas. */
async function readStandalone(port: InspectPort, start: Address | undefined): Promise<Layout> {
  const passed: Address[] = [];
  let at = start;
  while (at !== undefined && passed.length < MOST_HOPS) {
    passed.push(at);
    const role = await port.ask(at, [['ROLE']]).then(
      ({ replies }) => replies[0],
      (error: unknown) => error,
    );
    if (role instanceof Error && passed.length === 1)
      throw role instanceof OpenclawError ? role : refusal(role, at);
    const [kind, host, portOrReplicas] = Array.isArray(role) ? role : [];
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

/** One node's copy, whatever it believes itself to be. Never rejects. */
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

/** Nothing but reads. */
export const bucketCommands = (key: string) => [
  ['GET', key],
  ['HMGET', key, ...ARTICLE_FIELDS],
  ['PTTL', key],
  ['TIME'],
];

/** The replies of `bucketCommands`; an error says why this node could not tell. */
export function readBucket(replies: readonly Reply[], asked: Address): BucketReading | OpenclawError {
  const [value, fields] = replies.slice(0, 2).map((reply) => (isOfOtherType(reply) ? null : reply));
  const [ttl, time] = replies.slice(2);
  const failed = [value, fields, ttl, time].find((reply) => reply instanceof Error);
  if (failed !== undefined) return refusal(failed as Error, asked);
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

function refusal(error: Error, asked: Address): OpenclawError {
  return describeFailure(error, { written: true, node: addressText(asked) }, undefined);
}

function unique(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((address) => [addressText(address), address])).values()];
}
