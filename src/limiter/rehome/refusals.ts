import { OpenclawError } from '../../core/errors.ts';
import type { Refusal, StepReply } from './steps.ts';

/** Whether a refusal to leave is for good, so that the new home need not stay closed. */
export function isForGood(status: Refusal): boolean {
  return status !== 'unfinished';
}

const HIGHER = 'number the moves of a subject upward';

/** Makes the error of a refused step: `move` was asked for, and `reply` names the move that is in its way. */
export function refusedError(
  move: number,
  { status, move: other }: StepReply,
  region: string | undefined,
): OpenclawError {
  const [why, hint] = TEXTS[status as Refusal](region ?? 'the key without a home', other);
  return new OpenclawError('MOVE_REFUSED', `move ${move} was refused: ${why}`, { hint });
}

const TEXTS: Readonly<
  Record<Refusal, (place: string, other: number) => readonly [why: string, hint: string]>
> = {
  later: (place, other) => [`${place} has seen move ${other}, which is later`, HIGHER],
  unfinished: (place, other) => [
    `move ${other} to ${place} has not ended`,
    `repeat move ${other} first, with its own from: it ends, or is cancelled`,
  ],
  'at home': (place, other) => [
    `the bucket is at ${place} already, where move ${other} opened it`,
    'check from and to; if a failover lost a step, repeat the last move from there',
  ],
  away: (place, other) => [
    `the bucket is not at ${place}: move ${other} took it away`,
    `check from; if move ${other} has not ended, repeat it first`,
  ],
  used: (place, other) => [`${place} has seen move ${other} as another move`, HIGHER],
  'not closed': (place) => [
    `the bucket was closed or opened at ${place} by another move`,
    'repeat this move',
  ],
};
