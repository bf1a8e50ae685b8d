import type { Reservation } from '../limiter/limiter.ts';
import { withMethods } from '../limiter/wrappers/unheld.ts';
import { readError, readResult } from './read-answer.ts';
import { recordCall } from './record-call.ts';
import type { TakeRecorder } from './recorder.ts';
import type { EndStep, ReservationRecord } from './reservation-record.ts';
import type { Asked } from './taken.ts';

interface Reserving {
  readonly recorder: TakeRecorder;
  /** What a take of it would ask for. */
  readonly asked: Asked;
}

/** A reservation whose extensions and settlement are recorded. */
export function recordedReservation(
  reservation: Reservation,
  record: ReservationRecord | undefined,
  { recorder, asked }: Reserving,
): Reservation {
  const { allowed, decision, extend, settle } = reservation;
  const { reserves: _, decisionId: _id, ...take } = asked;
  if (!allowed || decision.shadow !== undefined) return reservation; // nothing is held, and nothing asked
  if (decision.evidence.source === 'fallback')
    return withMethods(reservation, {
      // Redis holds nothing: the failure policy decides an extension as it decides a take.
      extend: (cost) =>
        recordCall({ recorder, asked: () => ({ ...take, cost }), read: readResult }, () => extend(cost)),
    });
  if (record === undefined) return reservation; // it could not be recorded
  const { settlement } = reservation;
  const moment = recorder.moment();
  if (settlement !== undefined && moment !== undefined) record.settledBy(settlement.actual, moment);
  const by = Symbol(reservation.id);
  return withMethods(reservation, {
    extend: (cost) =>
      follow(recorder, (now) => record.extend(cost, now, by), { run: () => extend(cost), read: readResult }),
    settle: (actual) =>
      follow(recorder, (now) => record.settle(actual, now), {
        run: () => settle(actual),
        read: (done) => ({ outcome: 'allowed', decision: done.evidence, actual: done.actual }),
      }),
  });
}

/** Runs a call on a reservation, and records its end. */
async function follow<Result>(
  recorder: TakeRecorder,
  begin: (now: NonNullable<ReturnType<TakeRecorder['moment']>>) => EndStep,
  { run, read }: { run: () => Promise<Result>; read: (result: Result) => Parameters<EndStep>[0] },
): Promise<Result> {
  const began = recorder.moment();
  const end = began && begin(began);
  const record = (answer: Parameters<EndStep>[0]) => {
    const ended = recorder.moment();
    if (ended !== undefined) end?.(answer, ended);
  };
  try {
    const result = await run();
    record(read(result));
    return result;
  } catch (error) {
    record(readError(error));
    throw error;
  }
}
