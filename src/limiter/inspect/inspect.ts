import { OpenclawError } from '../../core/errors.ts';
import { keySlot } from '../redis/hash-slot.ts';
import type { Address, InspectPort } from './port.ts';
import { addressText, type CopyReading, readCopy, readLayout } from './read.ts';
import { type LevelNow, levelNow, type Policies, type Stored } from './stored.ts';
import { askTake, type TakeAnswer, type View } from './take.ts';

/** A node, with its name and region if known. */
export interface NodeName {
  /** The address that the cluster announces. */
  readonly address: string;
  readonly node?: string;
  readonly region?: string;
}

/** One node's copy of a bucket. */
export interface Copy extends NodeName {
  readonly role?: 'primary' | 'replica';
  /** Whether it reports that it is the primary although another node has taken over. */
  readonly isSuperseded: boolean;
  /** Replication lag in bytes; absent while the link is down, and for the primary. */
  readonly lagBytes?: number;
  readonly isLinked?: boolean;
  readonly stored?: Stored;
  readonly clockUs?: number;
  readonly ttlMs?: number;
  /** Absent if no script could decide on it, or if the node did not reply. */
  readonly now?: LevelNow;
  /** The reason if the node did not reply. */
  readonly trouble?: string;
}

/** The state of one bucket on every node, read without changing it. */
export interface Inspection {
  readonly key: string;
  readonly slot?: number;
  /** Absent if no node serves the slot. */
  readonly primary?: NodeName;
  readonly copies: readonly Copy[];
  /** Whether a node has the key; absent if no node replied. A full bucket has none. */
  readonly isStored?: boolean;
  readonly takes: readonly (TakeAnswer & { readonly region?: string })[];
  /** Warnings, as sentences. */
  readonly notes: readonly string[];
}

/** Name, region and direct address of a node, if known. */
interface Known extends Omit<NodeName, 'address'> {
  readonly direct?: Address;
}

export interface InspectTarget {
  readonly key: string;
  readonly policies: Policies;
  /** The nodes to ask for the owner of the key. */
  readonly seeds: readonly Address[];
  readonly views: readonly View[];
  /** Looks up a node by its announced address; `direct` reaches it past every fault. */
  readonly know?: (address: string) => Known;
  readonly nowUs?: () => number;
}

const knowNothing = (): Known => ({});

/**
 * Reads every copy of a bucket, and computes from every view the result of a take, without taking. Rejects with an
 * OpenclawError if none of the seeds replies.
 */
export async function inspect(port: InspectPort, target: InspectTarget): Promise<Inspection> {
  const { key, policies, seeds, views, know = knowNothing, nowUs = () => Date.now() * 1_000 } = target;
  const slot = keySlot(key);
  const direct = (address: Address) => know(addressText(address)).direct ?? address;
  const layout = await readLayout(port, seeds, { slot, direct });
  const where = layout.isCluster ? { slot } : {};
  const ways = layout.isCluster ? views : views.map((view) => wayTo(layout.claims, view, direct));
  const [readings, takes] = await Promise.all([
    Promise.all(
      layout.copies.map((copy) =>
        readCopy(port, {
          address: addressText(copy),
          direct: direct(copy),
          key,
          isCluster: layout.isCluster,
        }),
      ),
    ),
    Promise.all(ways.map((view) => askTake(port, view, { key, policies, nowUs, ...where }))),
  ]);
  return {
    key,
    ...where,
    ...compare(readings, layout.claims.map(addressText), { policies, serviceUs: nowUs(), know }),
    takes: takes.map((take, i) => ({ ...(views[i]?.region && { region: views[i].region }), ...take })),
  };
}

/**
 * Without cluster mode: how a client finds the primary. In a region of ours it asks its Sentinels or knows the announced
 * address; elsewhere that may be unknown here.
 */
function wayTo(claims: readonly Address[], view: View, direct: (announced: Address) => Address): View {
  const { primary, ...rest } = view;
  if (view.localAddress === undefined && view.natMap === undefined)
    return { ...rest, seeds: claims.map(direct) };
  return primary === undefined ? { ...rest, seeds: claims } : view;
}

/**
 * Compares the copies: which node is the primary, the current level of each copy, and warnings. A node's own report of
 * its role takes precedence over the `claims` of others, which may be outdated.
 */
export function compare(
  readings: readonly CopyReading[],
  claims: readonly string[],
  {
    policies,
    serviceUs,
    know = knowNothing,
  }: { policies: Policies; serviceUs: number; know?: (address: string) => Known },
): Pick<Inspection, 'primary' | 'copies' | 'isStored' | 'notes'> {
  const named = (address: string): NodeName => {
    const { node, region } = know(address);
    return { address, ...(node && { node }), ...(region && { region }) };
  };
  const [answering] = readings
    .filter(({ role }) => role === 'primary')
    .sort((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0));
  const primary = answering?.address ?? claims[0];
  const copies = readings.map((reading): Copy => {
    const { address, role, linked, offset, bucket } = reading;
    const lagBytes =
      linked && offset !== undefined && answering?.offset !== undefined
        ? Math.max(0, answering.offset - offset)
        : undefined;
    const common = {
      ...named(address),
      ...(role && { role }),
      isSuperseded: role === 'primary' && address !== primary,
      ...(linked !== undefined && { isLinked: linked }),
      ...(lagBytes !== undefined && { lagBytes }),
    };
    if (bucket instanceof OpenclawError) return { ...common, trouble: bucket.message };
    const { stored, clockUs, ttlMs } = bucket;
    const now = levelNow(stored, policies, { nodeUs: clockUs, serviceUs, ttlMs });
    return { ...common, stored, clockUs, ttlMs, ...(now && { now }) };
  });
  copies.sort((a, b) => Number(b.address === primary) - Number(a.address === primary));
  return {
    ...(primary !== undefined && { primary: named(primary) }),
    copies,
    ...(copies.some(({ trouble }) => trouble === undefined) && {
      isStored: copies.some(({ stored }) => stored !== undefined && stored.type !== 'absent'),
    }),
    notes: [...new Set(copies.flatMap((copy) => notesOn(copy, policies)))],
  };
}

/** The copy of the node that decides; undefined if no node serves the slot, or it is not among them. */
export const primaryCopy = ({ copies, primary }: Pick<Inspection, 'copies' | 'primary'>): Copy | undefined =>
  copies.find(({ address }) => address === primary?.address);

/** The lent tokens as text. */
export const lentText = ({ tokens, holders }: NonNullable<LevelNow['lent']>): string =>
  `${tokens} lent to ${holders}`;

function levelsOf(stored: Stored | undefined): readonly number[] {
  if (stored?.type === 'lease') return [stored.levelQuanta];
  return stored?.type === 'bucket' ? stored.levelsQuanta : [];
}

function notesOn({ node, address, isSuperseded, stored, now, ttlMs }: Copy, policies: Policies): string[] {
  const name = node ?? address;
  const notes = [];
  if (isSuperseded)
    notes.push(
      `${name} still reports that it is the primary, but it has a successor: its admissions will be lost`,
    );
  if (stored?.type === 'foreign')
    notes.push(`another program uses this key (${stored.found}): choose another prefix with --prefix`);
  if (stored?.type === 'article')
    notes.push(
      "the article's script wrote this bucket; it decides by a service's clock, and this machine's is used here",
    );
  if (now?.lent !== undefined && now.lent.holders > 0)
    notes.push(
      `a lease bucket: ${lentText(now.lent)}, by their last reports; a process admits by the tokens it holds, not by this level`,
    );
  const levels = levelsOf(stored);
  if (levels.length > policies.length)
    notes.push(
      `the bucket holds levels of ${levels.length} policies, but --policy names ${policies.length}: give each policy, in the limiter's order`,
    );
  if (levels.some((level, i) => level > (policies[i]?.capacityQuanta ?? Number.POSITIVE_INFINITY)))
    notes.push(
      'the stored level is above this capacity: it was written under another --policy, in the units of that policy',
    );
  if (now !== undefined && now.aheadUs > 0)
    notes.push(
      `the bucket's time is ahead of the clock of ${name} by ${(now.aheadUs / 1e6).toFixed(3)} s: it gains no tokens until then`,
    );
  if (ttlMs === -1) notes.push('the key never expires: another program wrote it last');
  return notes;
}
