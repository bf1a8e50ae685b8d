import { OpenclawError } from '../../core/errors.ts';
import type { Address, InspectPort } from './port.ts';
import { addressText, bucketCommands, readBucket, readView } from './read.ts';
import { levelNow, type Policies, type Stored } from './stored.ts';

/** The origin of a take: a region, or this machine. */
export interface View {
  readonly region?: string;
  /** The startup nodes of a client there; with `primary`, the Sentinels that know it by this name. */
  readonly seeds: readonly Address[];
  readonly primary?: string;
  /** The local address that places a client there. */
  readonly localAddress?: string;
  /** The address to connect to for each announced address, as a client of the region would. */
  readonly natMap?: Readonly<Record<string, Address>>;
}

/** The result that a take of one token would have now. `node` is the node that was read. */
export type TakeAnswer =
  | {
      readonly answer: 'allowed';
      readonly node: string;
      readonly roundTripMs: number;
      readonly remainingTokens: number;
    }
  | {
      readonly answer: 'denied';
      readonly node: string;
      readonly roundTripMs: number;
      readonly retryAfterUs: number;
    }
  /** It would fail, for the reason `why`. */
  | {
      readonly answer: 'cluster down' | 'unreachable' | 'refused';
      readonly node?: string;
      readonly why: string;
    };

export interface TakeQuestion {
  readonly key: string;
  /** Absent for a standalone server. */
  readonly slot?: number;
  readonly policies: Policies;
  /** The service's clock, for buckets of the published script. */
  readonly nowUs: () => number;
}

const MOST_REDIRECTIONS = 4;

/**
 * Follows the route of a take from this view, through the region's own nodes to the slot's primary, and reads the
 * bucket without taking. Never rejects.
 */
export async function askTake(direct: InspectPort, view: View, question: TakeQuestion): Promise<TakeAnswer> {
  const { localAddress: from, natMap } = view;
  const port = natMap === undefined ? direct : through(natMap, direct);
  try {
    const { owner, isOk } = await findOwner(port, view, question.slot);
    if (owner === undefined) return { answer: 'cluster down', why: 'no node serves the slot in its view' };
    return await readAt(port, owner, question, from).catch((error: unknown) =>
      failed(error, addressText(owner), isOk ? '' : '; its own nodes report the cluster as down'),
    );
  } catch (error) {
    return failed(error, undefined, '');
  }
}

function through(natMap: NonNullable<View['natMap']>, port: InspectPort): InspectPort {
  return { ...port, ask: (to, commands, from) => port.ask(natMap[addressText(to)] ?? to, commands, from) };
}

async function findOwner(
  port: InspectPort,
  { seeds, localAddress: from, primary }: View,
  slot: number | undefined,
): Promise<{ owner?: Address; isOk: boolean }> {
  if (slot === undefined && primary === undefined)
    return { ...(seeds[0] && { owner: seeds[0] }), isOk: true };
  let reason: unknown = new OpenclawError('REDIS_UNREACHABLE', 'the region has no node');
  for (const seed of seeds) {
    try {
      if (slot === undefined) return { owner: await askSentinel(port, seed, { primary, from }), isOk: true };
      const view = await readView(port, seed, slot, from === undefined ? {} : { from });
      return { ...(view?.primary && { owner: view.primary }), isOk: view?.isOk ?? false };
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}

async function askSentinel(
  port: InspectPort,
  sentinel: Address,
  { primary = '', from }: { readonly primary: string | undefined; readonly from: string | undefined },
): Promise<Address> {
  const { replies } = await port.ask(sentinel, [['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary]], from);
  const [host, at]: unknown[] = Array.isArray(replies[0]) ? replies[0] : [];
  if (typeof host === 'string' && Number.isInteger(Number(at))) return { host, port: Number(at) };
  throw new OpenclawError('REDIS_UNREACHABLE', `the Sentinel at ${addressText(sentinel)} names no primary`);
}

async function readAt(
  port: InspectPort,
  owner: Address,
  { key, policies, nowUs }: TakeQuestion,
  from: string | undefined,
): Promise<TakeAnswer> {
  let at = owner;
  let asking: string[][] = [];
  for (let hop = 0; hop <= MOST_REDIRECTIONS; hop++) {
    const { replies, roundTripMs } = await port.ask(at, [...asking, ...bucketCommands(key)], from);
    const own = replies.slice(asking.length);
    const next = redirection(own[0], at);
    if (next !== undefined) {
      at = next.to;
      asking = next.isAsk ? [['ASKING']] : [];
      continue;
    }
    const reading = readBucket(own, at);
    const node = addressText(at);
    if (reading instanceof OpenclawError) throw reading;
    const level = levelNow(reading.stored, policies, {
      nodeUs: reading.clockUs,
      serviceUs: nowUs(),
      ttlMs: reading.ttlMs,
    });
    if (level === undefined) return { answer: 'refused', node, why: whyNone(reading.stored) };
    if (level.move !== undefined) return { answer: 'refused', node, why: notEnded(level.move) };
    const { allowed, ...rest } = level.take;
    return { answer: allowed ? 'allowed' : 'denied', node, roundTripMs, ...rest } as TakeAnswer;
  }
  throw new OpenclawError('REDIS_CLUSTER_DOWN', 'the nodes keep redirecting to each other');
}

const notEnded = (move: number) => `BUCKET_MOVING: move ${move} of this bucket has not ended`;

function whyNone(stored: Stored): string {
  if (stored.type !== 'mark') return 'the key holds another type, written by another program';
  return stored.state === 'closed'
    ? notEnded(stored.move)
    : `BUCKET_MOVED: move ${stored.move} took this bucket to another home`;
}

function redirection(reply: unknown, target: Address): { to: Address; isAsk: boolean } | undefined {
  const [, kind, host, port] =
    /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(reply instanceof Error ? reply.message : '') ?? [];
  return kind === undefined
    ? undefined
    : { to: { host: host || target.host, port: Number(port) }, isAsk: kind === 'ASK' };
}

function failed(error: unknown, node: string | undefined, more: string): TakeAnswer {
  if (!(error instanceof OpenclawError)) throw error;
  const { code, message } = error;
  const answer =
    code === 'REDIS_CLUSTER_DOWN'
      ? 'cluster down'
      : code === 'REDIS_UNREACHABLE' || code === 'REPLY_LOST' || code === 'REPLY_TIMEOUT'
        ? 'unreachable'
        : 'refused';
  return { answer, ...(node && { node }), why: answer === 'unreachable' ? `${message}${more}` : message };
}
