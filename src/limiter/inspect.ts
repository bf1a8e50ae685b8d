import { OpenclawError } from '../core/errors.ts';
import type { Address, InspectPort } from './inspect-port.ts';
import { addressText, type CopyReading, readCopy, readLayout } from './inspect-read.ts';
import { askTake, type TakeAnswer, type View } from './inspect-take.ts';
import { keySlot } from './slot.ts';
import { type LevelNow, levelNow, type Policies, type Stored } from './stored.ts';

/** A node by the name that people know it by. */
export interface NodeName {
  /** As the cluster announces it. */
  readonly address: string;
  readonly node?: string;
  readonly region?: string;
}

/** One copy of a bucket, as its node has it. */
export interface Copy extends NodeName {
  readonly role?: 'primary' | 'replica';
  /** It says that it is the primary, and another one has succeeded it. */
  readonly isSuperseded: boolean;
  /** Bytes of replication it has yet to apply; absent while it is not linked, and for the primary. */
  readonly lagBytes?: number;
  readonly isLinked?: boolean;
  readonly stored?: Stored;
  readonly clockUs?: number;
  readonly ttlMs?: number;
  /** Absent where no script could decide, and where the node did not tell. */
  readonly now?: LevelNow;
  /** Why the node did not tell. */
  readonly trouble?: string;
}

/** All that can be known of one bucket without touching it. */
export interface Inspection {
  readonly key: string;
  readonly slot?: number;
  /** Absent when nobody serves the slot. */
  readonly primary?: NodeName;
  readonly copies: readonly Copy[];
  readonly takes: readonly (TakeAnswer & { readonly region?: string })[];
  /** What looks wrong, in sentences. */
  readonly notes: readonly string[];
}

/** What is known of a node besides its address. */
interface Known extends Omit<NodeName, 'address'> {
  readonly direct?: Address;
}

export interface InspectTarget {
  readonly key: string;
  readonly policies: Policies;
  /** Nodes that are asked who keeps the key. */
  readonly seeds: readonly Address[];
  readonly views: readonly View[];
  /** What is known of a node by its announced address, and how to reach it past every fault. */
  readonly know?: (address: string) => Known;
  readonly nowUs?: () => number;
}

const knowNothing = (): Known => ({});

/**
 * Reads every copy of a bucket and asks from every view what a take would answer, without taking. Rejects
 * with an OpenclawError when none of the seeds answers.
 */
export async function inspect(port: InspectPort, target: InspectTarget): Promise<Inspection> {
  const { key, policies, seeds, views, know = knowNothing, nowUs = () => Date.now() * 1_000 } = target;
  const slot = keySlot(key);
  const direct = (address: Address) => know(addressText(address)).direct ?? address;
  const layout = await readLayout(
    port,
    seeds.map((seed) => ({ announced: seed, direct: direct(seed) })),
    slot,
  );
  const where = layout.isCluster ? { slot } : {};
  const ways = layout.isCluster ? views : views.map((view) => ({ ...view, seeds: layout.claims }));
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
 * Puts the copies beside each other: who is the primary, what each holds now, and what looks wrong. A node's
 * own word on its role goes before the `claims` of others, which may be late.
 */
export function compare(
  readings: readonly CopyReading[],
  claims: readonly string[],
  {
    policies,
    serviceUs,
    know = knowNothing,
  }: { policies: Policies; serviceUs: number; know?: (address: string) => Known },
): Pick<Inspection, 'primary' | 'copies' | 'notes'> {
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
    notes: [...new Set(copies.flatMap((copy) => notesOn(copy, policies)))],
  };
}

/** What is lent, in words. */
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
      `${name} still says that it is the primary, and has a successor: whatever it admits will be lost`,
    );
  if (stored?.type === 'foreign')
    notes.push(`another program uses this key (${stored.found}): choose another prefix with --prefix`);
  if (stored?.type === 'article')
    notes.push(
      "this is a bucket of the article's script: it decides by a service's clock, here this machine's",
    );
  if (now?.lent !== undefined && now.lent.holders > 0)
    notes.push(
      `a lease's bucket: of ${lentText(now.lent)} home knows only when they tell; a process that has borrowed admits by what it has left, whatever home answers`,
    );
  const levels = levelsOf(stored);
  if (levels.length > policies.length)
    notes.push(
      `the bucket holds the levels of ${levels.length} policies, and ${policies.length} is known: give each by --policy, in the order that the limiter has them`,
    );
  if (levels.some((level, i) => level > (policies[i]?.capacityQuanta ?? Number.POSITIVE_INFINITY)))
    notes.push(
      'the stored level is above this capacity: another --policy wrote it, and levels are in its units',
    );
  if (now !== undefined && now.aheadUs > 0)
    notes.push(
      `the bucket's time is ahead of the clock of ${name} by ${(now.aheadUs / 1e6).toFixed(3)} s: it gains nothing until then`,
    );
  if (ttlMs === -1) notes.push('the key never expires: none of the scripts wrote it last');
  return notes;
}
