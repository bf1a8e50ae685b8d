import { invalidOption, type OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import type { NamedPolicy } from '../core/policies.ts';
import { quoted } from '../core/printable.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { TakeClock } from './clock.ts';
import { DecisionIds } from './decision-ids.ts';
import { TakeHistory } from './take-history.ts';
import type { Taken } from './taken.ts';

export interface Asked extends Pick<Taken, 'bucket' | 'cost' | 'sign' | 'decisionId'> {
  /** The policies that the limiter itself has for this bucket, if it can say them. */
  readonly ownPolicies?: () => readonly NamedPolicy[];
  /** The call names no bucket and counts as of the one of all such calls. */
  readonly isUnnamed?: true;
}

export interface Answer extends Pick<Taken, 'outcome' | 'error' | 'decision' | 'stated'> {
  /** The names of the policies that decided together. */
  readonly policies?: readonly string[];
  /** An admission by an earlier take of this id: nothing more was charged. */
  readonly isRemembered?: true;
}

/** A call without its answer. */
type Open = Omit<Taken, 'completedUs' | 'outcome'>;

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
export class TakeRecorder {
  readonly #options: RecorderOptions;
  readonly #taken: Taken[] = [];
  readonly #open = new Map<number, Open>();
  readonly #resets = new Set<{ readonly bucket: string; readonly atUs: number }>();
  readonly #ids = new DecisionIds();
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
    const moment = this.#read();
    if (moment === undefined) return undefined;
    const index = this.#calls++;
    if (isUnnamed) this.#isOneBucket = true;
    if (ownPolicies !== undefined && !this.#ownPolicies.has(bucket))
      this.#ownPolicies.set(bucket, ownPolicies);
    if (decisionId !== undefined) this.#ids.begin({ ...asked, decisionId });
    this.#open.set(index, { index, ...asked, invokedUs: moment.downUs });
    return index;
  }

  end(index: number | undefined, answer: Answer): void {
    const open = index === undefined ? undefined : this.#open.get(index);
    const moment = this.#read();
    if (open === undefined || moment === undefined) return;
    this.#open.delete(open.index);
    for (const name of answer.policies ?? []) this.#policyNames.add(name);
    const charged = this.#chargeOf(open, answer);
    if (charged === undefined) return;
    const { outcome, error, decision, stated } = answer;
    this.#taken.push({
      ...charged,
      completedUs: outcome === 'info' ? null : moment.upUs,
      outcome,
      ...given({ error, decision, stated }),
    });
  }

  /** Forgets a call that the limiter did not decide. */
  drop(index: number | undefined): void {
    if (index !== undefined) this.#open.delete(index);
  }

  /** A reset fills its bucket at the earliest when it is asked for. Gives what takes the record back. */
  reset(bucket: string): () => void {
    const moment = this.#read();
    if (moment === undefined) return () => {};
    const reset = { bucket, atUs: moment.downUs };
    this.#resets.add(reset);
    return () => this.#resets.delete(reset);
  }

  /** What was recorded until now; a call without an answer may have been charged. Throws what was refused. */
  history(): TakeHistory {
    if (this.#problem !== undefined) throw this.#problem;
    const open = [...this.#open.values()].map(
      (call): Taken => ({ ...call, completedUs: null, outcome: 'info' }),
    );
    const { strategy, initial, clocks, clock } = this.#options;
    return new TakeHistory({
      ...{ strategy, initial, isOneBucket: this.#isOneBucket },
      taken: [...this.#taken, ...open],
      resets: [...this.#resets],
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
    return admitted && { ...call, decisionId: admitted.id, cost: admitted.cost };
  }

  #read() {
    if (this.#problem !== undefined) return undefined;
    try {
      return this.#options.clock.read();
    } catch (error) {
      this.refuse(error);
      return undefined;
    }
  }
}

function tooMany(mostTakes: number): OpenclawError {
  return invalidOption(
    `the limiter was asked more than ${mostTakes} times, the most that this recording keeps`,
    'judge fewer takes in one recording, or set mostTakes of recordTakes',
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
