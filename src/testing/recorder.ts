import { invalidOption, type OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import type { NamedPolicy } from '../core/policies.ts';
import { quoted } from '../core/printable.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { Moment, TakeClock } from './clock.ts';
import { DecisionIds } from './decision-ids.ts';
import { ReservationRecord } from './reservation-record.ts';
import { TakeHistory } from './take-history.ts';
import type { Answer, Asked, RecordedMove, RecordedReset, Taken } from './taken.ts';

/** A call without its answer. */
type Open = Omit<Taken, 'completedUs' | 'outcome' | 'reservation'> & Pick<Asked, 'reserves'>;

export interface RecorderOptions {
  readonly clock: TakeClock;
  readonly strategy: string;
  readonly initial: 'full' | 'unknown';
  readonly clocks: 'apart' | undefined;
  readonly mostTakes: number;
}

/**
 * Records calls. It never throws into the code under test: what cannot be recorded makes `history` throw, so that there is
 * no verdict on a part.
 */
/** Ends the record of something that goes on: it is over, or it never began. */
export interface Ending {
  over(): void;
  never(): void;
}

export class TakeRecorder {
  readonly #options: RecorderOptions;
  readonly #taken: Taken[] = [];
  readonly #open = new Map<number, Open>();
  readonly #resets = new Map<RecordedReset, RecordedReset>();
  readonly #moves = new Map<RecordedMove, RecordedMove>();
  readonly #ids = new DecisionIds();
  readonly #reservations = new Map<string, ReservationRecord>();
  readonly #policyNames = new Set<string>();
  readonly #ownPolicies = new Map<string, () => readonly NamedPolicy[]>();
  #calls = 0;
  #isOneBucket = false;
  #problem: Error | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** The first problem decides: later ones may follow from it. */
  refuse(problem: unknown): void {
    this.#problem ??= problem instanceof Error ? problem : new Error(quoted(problem));
  }

  /** Gives the number of the call; undefined once the recording cannot go on. */
  begin({ ownPolicies, isUnnamed, ...asked }: Asked): number | undefined {
    const { bucket, decisionId } = asked;
    if (this.#calls >= this.#options.mostTakes) this.refuse(tooMany(this.#options.mostTakes));
    if (typeof bucket !== 'string' || bucket === '' || !bucket.isWellFormed()) this.refuse(noBucket(bucket));
    const moment = this.moment();
    if (moment === undefined) return undefined;
    const index = this.#calls++;
    if (isUnnamed) this.#isOneBucket = true;
    if (ownPolicies !== undefined && !this.#ownPolicies.has(bucket))
      this.#ownPolicies.set(bucket, ownPolicies);
    if (decisionId !== undefined) this.#ids.begin({ ...asked, decisionId });
    this.#open.set(index, { index, ...asked, invokedUs: moment.downUs });
    return index;
  }

  /** Gives the record of what follows, if the call made a reservation. */
  end(index: number | undefined, answer: Answer): ReservationRecord | undefined {
    const open = index === undefined ? undefined : this.#open.get(index);
    const moment = this.moment();
    if (open === undefined || moment === undefined) return undefined;
    this.#open.delete(open.index);
    for (const name of answer.policies ?? []) this.#policyNames.add(name);
    const charged = this.#chargeOf(open, answer);
    if (charged === undefined) return undefined;
    const { outcome, error, decision, stated } = answer;
    const { reserves, ...call } = charged;
    const isHeld = (outcome === 'allowed' || outcome === 'info') && decision?.source !== 'fallback';
    const reservation = reserves && isHeld ? this.#reservationOf(call, reserves) : undefined;
    this.#taken.push({
      ...call,
      completedUs: outcome === 'info' ? null : moment.upUs,
      outcome,
      ...given({ error, decision, stated, reservation }),
    });
    return reservation;
  }

  /** Now, unless the recording cannot go on. */
  moment(): Moment | undefined {
    if (this.#problem !== undefined) return undefined;
    try {
      return this.#options.clock.read();
    } catch (error) {
      this.refuse(error);
      return undefined;
    }
  }

  /** Forgets a call that the limiter did not decide. */
  drop(index: number | undefined): void {
    if (index !== undefined) this.#open.delete(index);
  }

  /** A reset fills its bucket from when it is asked for until it is over; one that never began is forgotten. */
  reset(bucket: string): Ending {
    const moment = this.moment();
    const reset: RecordedReset = { bucket, atUs: moment?.downUs ?? 0, untilUs: null };
    return this.#ending(this.#resets, reset, moment);
  }

  /** A move to another home goes on until it is over; one that never began is forgotten. */
  move(args: RecordedMove['args']): Ending {
    const moment = this.moment();
    const move: RecordedMove = { args, atUs: moment?.downUs ?? 0, untilUs: null };
    return this.#ending(this.#moves, move, moment);
  }

  /** Records something that goes on; without a moment, nothing. */
  #ending<T extends { readonly untilUs: number | null }>(all: Map<T, T>, begun: T, moment: unknown): Ending {
    if (moment !== undefined) all.set(begun, begun);
    return {
      over: () => {
        if (all.has(begun)) all.set(begun, { ...begun, untilUs: this.moment()?.upUs ?? null });
      },
      never: () => void all.delete(begun),
    };
  }

  /** What was recorded until now; a call without an answer may have been charged. Throws what was refused. */
  history(): TakeHistory {
    if (this.#problem !== undefined) throw this.#problem;
    const open = [...this.#open.values()].map(
      ({ reserves: _, ...call }): Taken => ({ ...call, completedUs: null, outcome: 'info' }),
    );
    const { strategy, initial, clocks, clock } = this.#options;
    return new TakeHistory({
      ...{ strategy, initial, isOneBucket: this.#isOneBucket },
      taken: [...copyOf(this.#taken), ...open],
      resets: [...this.#resets.values()],
      moves: [...this.#moves.values()],
      clocks: clock.isLimiters ? 'one' : clocks,
      policyNames: [...this.#policyNames],
      ownPolicies: [...this.#ownPolicies.values()],
    });
  }

  /** The call with the id and the cost of its charge; undefined if it has no part in the history. */
  #chargeOf(open: Open, { outcome, isRemembered }: Answer): Open | undefined {
    const wrong = wrongCost(open.cost);
    if (wrong !== undefined) {
      if (outcome !== 'failed') this.refuse(wrong); // else the limiter refused it too
      return undefined;
    }
    const { decisionId, ...call } = open;
    if (decisionId === undefined || outcome === 'failed' || outcome === 'denied') return call; // no charge to share
    const attempt = { ...call, decisionId };
    if (outcome === 'info') return { ...call, decisionId: this.#ids.lose(attempt) };
    const admitted = this.#ids.admit(attempt, isRemembered === true);
    if (admitted === undefined && call.reserves !== undefined) this.refuse(madeBefore());
    return admitted && { ...call, decisionId: admitted.id, cost: admitted.cost };
  }

  /** Attempts to make one reservation share its record. */
  #reservationOf(
    { bucket, decisionId, invokedUs }: Omit<Open, 'reserves'>,
    { expiresMs }: NonNullable<Asked['reserves']>,
  ): ReservationRecord {
    const key = JSON.stringify([bucket, decisionId]);
    const known = decisionId === undefined ? undefined : this.#reservations.get(key);
    const record = known ?? new ReservationRecord(invokedUs, expiresMs);
    if (decisionId !== undefined) this.#reservations.set(key, record);
    return record;
  }
}

/** A copy of what was recorded: reservations go on. One of the attempts to make a reservation has what followed. */
function copyOf(taken: readonly Taken[]): Taken[] {
  const bearers = new Map<ReservationRecord, Taken>();
  for (const one of taken)
    if (one.reservation !== undefined && bearers.get(one.reservation)?.outcome !== 'allowed')
      bearers.set(one.reservation, one);
  return taken.map((one) => {
    const { reservation, ...call } = one;
    if (reservation === undefined) return one;
    return bearers.get(reservation) === one ? { ...call, reservation: reservation.copy() } : call;
  });
}

function tooMany(mostTakes: number): OpenclawError {
  return invalidOption(
    `the limiter was asked more than ${mostTakes} times, the most that this recording keeps`,
    'judge fewer takes in one recording, or set mostTakes of recordTakes',
  );
}

function madeBefore(): OpenclawError {
  return invalidOption(
    'a reservation was resumed that was made before the recording began',
    'record from its start, with a limiter that recordTakes returned',
  );
}

function noBucket(found: unknown): OpenclawError {
  return invalidOption(
    `the name of a bucket must be a text; found ${quoted(found)}`,
    'give recordTakes the option bucket, a function of the arguments that returns the name',
  );
}

const MOST_TOKENS = 2 ** 31 - 1;

function wrongCost(cost: Cost): OpenclawError | undefined {
  const costs: unknown[] = typeof cost === 'object' && cost !== null ? Object.values(cost) : [cost];
  const isRight = (one: unknown) => Number.isInteger(one) && Number(one) >= 1 && Number(one) <= MOST_TOKENS;
  if (costs.every(isRight)) return undefined;
  return invalidOption(
    `a cost must be a whole number of tokens from 1 to 2^31 - 1; found ${quoted(costs.find((one) => !isRight(one)))}`,
    'count in a smaller unit, in the policy too',
  );
}
