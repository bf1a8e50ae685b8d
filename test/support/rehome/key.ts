import { refill } from '../../../src/core/bucket.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { rescaleLevel } from '../../../src/core/rescale.ts';
import { REHOME_SWITCHES, type RehomeSwitches } from '../../../src/limiter/rehome/protocol.ts';

/** The level of one policy, with the unit and the largest capacity as lua/shared/stored.lua stores them. */
export interface Part {
  readonly levelQuanta: number;
  readonly unit: number;
  readonly mostTokens: number;
}

/** What is stored at a key; a full bucket may be absent. */
export type Value =
  | { readonly type: 'bucket'; readonly updatedAtUs: number; readonly parts: readonly Part[] }
  | { readonly type: 'closed' | 'moved'; readonly move: number };

/** The last move at a key, as lua/shared/move.lua stores it. */
export interface Recorded {
  readonly move: number;
  readonly step: 'closed' | 'opened' | 'left' | 'cancelled';
  /** What left, and for which place. */
  readonly parts: readonly Part[];
  readonly to?: number | undefined;
}

export interface Key {
  readonly value: Value | undefined;
  readonly record: Recorded | undefined;
}

export type Status =
  | 'done'
  | 'repeated'
  | 'later'
  | 'unfinished'
  | 'at home'
  | 'away'
  | 'used'
  | 'not closed'
  | 'lent';

export interface StepReply {
  readonly status: Status;
  /** The move that it is about. */
  readonly move: number;
  readonly parts: readonly Part[];
}

/** A key after a step. */
export interface Stepped {
  readonly key: Key;
  readonly reply: StepReply;
  readonly isWritten: boolean;
}

/** The number of a move, the clock of the key's node, and the policies of the process that runs it. */
export interface StepContext {
  readonly move: number;
  readonly nowUs: number;
  readonly policies: readonly Policy[];
  /** The place of the new home; only for leave. */
  readonly to?: number;
  readonly switches?: RehomeSwitches;
}

export const NEW_KEY: Key = { value: undefined, record: undefined };

/** lua/rehome-close.lua. */
export function close(key: Key, { move, switches = REHOME_SWITCHES }: StepContext): Stepped {
  const last = lastMove(key);
  const isOther = last?.move !== move;
  if (last !== undefined && last.move > move && switches.lowerIsRefused) return refused(key, 'later', last);
  if (last?.step === 'opened' && !isOther && switches.openedStaysOpen) return repeated(key, move, switches);
  if (last?.step === 'opened' && isOther) return refused(key, 'at home', last);
  if (last?.step === 'left' && !isOther) return refused(key, 'used', last);
  if (last?.step === 'closed' && isOther) return refused(key, 'unfinished', last);
  return marked(move, 'closed');
}

/** lua/rehome-leave.lua, of a bucket that lends nothing. */
export function leave(key: Key, context: StepContext): Stepped {
  const { move, nowUs, policies, to, switches = REHOME_SWITCHES } = context;
  const last = lastMove(key);
  if (last !== undefined) {
    const isOther = last.move !== move;
    const isHere = last.step === 'opened' || (last.step === 'closed' && isOther && !switches.closedStays);
    if (last.move > move && switches.lowerIsRefused) return refused(key, 'later', last);
    const isSame = last.to === to || !switches.leavesForOne;
    if (last.step === 'left' && !isOther && isSame && switches.repeatAnswersTheSame)
      return { ...repeated(key, move, switches), reply: replyOf('repeated', last) };
    if (last.step === 'left' && isOther && !switches.leavesOnce)
      return { ...marked(move, 'left', last.parts, to), reply: replyOf('done', { ...last, move }) };
    if (!isOther && (last.step !== 'left' || !isSame)) return refused(key, 'used', last);
    if (last.step === 'closed' && !isHere) return refused(key, 'unfinished', last);
    if (isOther && !isHere) return refused(key, 'away', last);
  }
  const bucket = bucketNow(key.value?.type === 'bucket' ? key.value : undefined, policies, nowUs);
  const stepped = marked(move, 'left', bucket.parts, to);
  if (switches.leavesMark) return stepped;
  return { ...stepped, key: { ...stepped.key, value: undefined } };
}

/** lua/rehome-open.lua, with what the reply to leave said. */
export function open(
  key: Key,
  left: { readonly parts: readonly Part[]; readonly updatedAtUs?: number },
  { move, nowUs, policies, switches = REHOME_SWITCHES }: StepContext,
): Stepped {
  const last = lastMove(key);
  const isOther = last?.move !== move;
  if (last?.step === 'opened' && !isOther && switches.opensOnlyWhatItClosed)
    return repeated(key, move, switches);
  if (last !== undefined && last.move > move && switches.lowerIsRefused) return refused(key, 'later', last);
  const isClosed =
    last?.step === 'closed' && !isOther && key.value?.type === 'closed' && key.value.move === move;
  if (!isClosed && switches.opensOnlyWhatItClosed && switches.closesFirst)
    return refused(key, 'not closed', last);
  const updatedAtUs = switches.wayAddsNoRefill ? nowUs : (left.updatedAtUs ?? nowUs);
  const arrived = switches.levelTravels ? left.parts : [];
  const stored = { type: 'bucket', updatedAtUs, parts: arrived } as const;
  const value = bucketNow(stored, policies, nowUs);
  const record = { move, step: 'opened', parts: [] } as const;
  return {
    key: { value, record },
    reply: { status: 'done', move, parts: [] },
    isWritten: true,
  };
}

/** lua/rehome-cancel.lua. */
export function cancel(key: Key, { move, switches = REHOME_SWITCHES }: StepContext): Stepped {
  const last = lastMove(key);
  if (last?.step !== 'closed' || last.move !== move) return refused(key, 'not closed', last);
  const stepped = marked(move, 'cancelled');
  return switches.cancelLeavesMark ? stepped : { ...stepped, key: { ...stepped.key, value: undefined } };
}

/** A bucket brought up to the time of a node, as lua/shared/stored.lua reads it: its own time, if that is ahead. */
export function bucketNow(
  stored: Extract<Value, { type: 'bucket' }> | undefined,
  policies: readonly Policy[],
  nowUs: number,
): Extract<Value, { type: 'bucket' }> {
  const { updatedAtUs, parts } = stored ?? { updatedAtUs: nowUs, parts: [] };
  const bucketUs = Math.max(nowUs, updatedAtUs);
  return {
    type: 'bucket',
    updatedAtUs: bucketUs,
    parts: policies.map((policy, place) => {
      const { quantaPerToken: unit, capacityTokens, capacityQuanta } = policy;
      const part = parts[place] ?? { levelQuanta: capacityQuanta, unit, mostTokens: 0 };
      const levelQuanta = rescaleLevel(part.levelQuanta, part.unit, policy);
      return {
        levelQuanta: refill({ levelQuanta, updatedAtUs }, policy, bucketUs).levelQuanta,
        unit,
        mostTokens: Math.max(part.mostTokens, capacityTokens),
      };
    }),
  };
}

/** The record, or what the mark shows without it. */
function lastMove({ value, record }: Key): Recorded | undefined {
  if (record !== undefined || value === undefined || value.type === 'bucket') return record;
  return { move: value.move, step: value.type === 'closed' ? 'closed' : 'left', parts: [] };
}

function marked(move: number, step: Recorded['step'], parts: readonly Part[] = [], to?: number): Stepped {
  const record: Recorded = { move, step, parts, ...(to !== undefined && { to }) };
  const value: Value = { type: step === 'closed' ? 'closed' : 'moved', move };
  return { key: { value, record }, reply: replyOf('done', record), isWritten: true };
}

function repeated(key: Key, move: number, { repeatsAreWritten }: RehomeSwitches): Stepped {
  const reply: StepReply = { status: 'repeated', move, parts: [] };
  return { key, reply, isWritten: repeatsAreWritten };
}

function refused(key: Key, status: Status, last: Recorded | undefined): Stepped {
  return { key, reply: { status, move: last?.move ?? 0, parts: [] }, isWritten: false };
}

const replyOf = (status: Status, { move, parts }: Omit<Recorded, 'step'>): StepReply => ({
  status,
  move,
  parts,
});
