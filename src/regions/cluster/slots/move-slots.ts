import { environmentFailed, OpenclawError } from '../../../core/errors.ts';
import { formatSlots } from '../../../topology/slot-ranges.ts';
import { interruption, waitFor } from '../../waiting.ts';
import { moveSlot } from './move-slot.ts';
import type { Primary } from './primaries.ts';

/** Slots that are about to move, by the names of nodes. */
export interface SlotsMove {
  readonly from: string;
  readonly to: string;
  /** `0-99,205` */
  readonly slots: string;
}

/** Notes that slots begin to move. The result is called once they have; `isDone` is false if that is not certain. */
export type NoteMove = (move: SlotsMove) => (isDone: boolean) => void;

interface Moving {
  readonly from: Primary;
  readonly to: Primary;
  readonly note?: NoteMove | undefined;
  /** Ends it between two slots. */
  readonly signal?: AbortSignal | undefined;
}

/** At once, each by connections of its own: Valkey answers for a slot only when its replicas have heard of it. */
const LANES = 24;

/** Moves these slots, and waits until the replicas of the new primary have their keys. Throws ENVIRONMENT_FAILED. */
export async function moveSlots(slots: readonly number[], moving: Moving): Promise<void> {
  const { from, to, note, signal } = moving;
  if (slots.length === 0) return;
  const noted = note?.({ from: from.name, to: to.name, slots: formatSlots(slots.toSorted((a, b) => a - b)) });
  let isDone = false;
  try {
    await inLanes(slots, moving);
    await untilCopied(to, signal);
    isDone = true;
  } catch (error) {
    if (error instanceof OpenclawError) throw error;
    throw environmentFailed(
      `slots of ${from.name} could not be moved to ${to.name}: ${error instanceof Error ? error.message : error}`,
      'openclaw-rl fault heal brings them back',
      error,
    );
  } finally {
    noted?.(isDone);
  }
}

/** Each lane ends its slot before it stops: no slot is left open unless a server fails. */
async function inLanes(slots: readonly number[], { from, to, signal }: Moving): Promise<void> {
  const left = [...slots];
  const failures: unknown[] = [];
  const lane = async () => {
    const ends = { from: { ...from, client: from.connect() }, to: { ...to, client: to.connect() } };
    for (let slot = left.shift(); slot !== undefined && failures.length === 0; slot = left.shift()) {
      if (signal?.aborted) failures.push(interruption(signal, 'moving slots'));
      else await moveSlot(slot, ends).catch((error: unknown) => failures.push(error));
    }
    for (const { client } of Object.values(ends)) client.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(LANES, slots.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

const COPIED_MS = 20_000;

/** Waits until each linked replica of it has acknowledged what it has written so far; they do so once a second. */
async function untilCopied({ client, name }: Primary, signal = new AbortController().signal): Promise<void> {
  const read = () => client.info('replication');
  const offset = Number(/master_repl_offset:(\d+)/.exec(await read())?.[1]);
  await waitFor(`the replicas of ${name} to have its keys`, COPIED_MS, signal, async () => {
    const acknowledged = [...(await read()).matchAll(/^slave\d+:.*state=online,offset=(\d+)/gm)];
    const behind = acknowledged.filter(([, of]) => Number(of) < offset);
    return behind.length === 0 ? undefined : `${behind.length} of ${acknowledged.length} have not`;
  });
}
