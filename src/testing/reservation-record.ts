import { given } from '../core/given.ts';
import type { NamedPolicy } from '../core/policies.ts';
import type { Charge, Operation, RecordedExtension } from '../history/records/operation.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { Moment } from './clock.ts';
import { type Ended, type Extension, end, joined, type Step, stepAt } from './reservation-step.ts';

/** Called with the end of an attempt. */
export type EndStep = (answer: Ended, moment: Moment) => void;

/** In which buckets an operation is charged. */
interface Charged {
  readonly bucket: string;
  readonly cost: Cost;
  readonly policies: readonly NamedPolicy[];
}

/** What followed the take of a reservation, as it happens. */
export class ReservationRecord {
  readonly #firstUs: number;
  readonly #lastsMs: number | undefined;
  readonly #extended: Extension[] = [];
  #settled: Step | undefined;

  /** `expiresMs`: how long it lasts after it was made or extended; undefined for ever. */
  constructor(invokedUs: number, expiresMs: number | undefined) {
    this.#firstUs = invokedUs;
    this.#lastsMs = expiresMs;
  }

  /** As it is now. */
  copy(): ReservationRecord {
    const copy = new ReservationRecord(this.#firstUs, this.#lastsMs);
    copy.#extended.push(...this.#extended.map((step) => ({ ...step })));
    copy.#settled = this.#settled && { ...this.#settled };
    return copy;
  }

  /** Records an extension. `by`: which handle of the reservation was asked. */
  extend(cost: Cost, { downUs }: Moment, by: symbol): EndStep {
    const step: Extension = { ...stepAt(cost, downUs), by, error: undefined };
    this.#extended.push(step);
    step.pending++;
    return (answer, moment) => {
      step.error = answer.error;
      end(step, answer, moment);
    };
  }

  /** Records a settlement. The first that takes effect counts; `actual` of an answer is what that was. */
  settle(cost: Cost, { downUs }: Moment): EndStep {
    const step = this.#settled?.outcome === 'failed' ? undefined : this.#settled;
    const settled = step ?? stepAt(cost, downUs);
    this.#settled = settled;
    if (settled.outcome === 'allowed') return () => {};
    if (step !== undefined) settled.costs = [...settled.costs, cost];
    settled.pending++;
    return (answer, moment) => end(settled, answer, moment);
  }

  /** Another holder has settled it by this moment. */
  settledBy(actual: Cost, moment: Moment): void {
    const downUs = this.#settled?.invokedUs ?? this.#firstUs;
    this.settle(actual, { ...moment, downUs })({ outcome: 'allowed', actual }, moment);
  }

  /** The fields of the operation. `isLimiters`: the clock is the limiter's, so a server's time says nothing of it. */
  fields(charged: Charged, isLimiters: boolean): Pick<Operation, 'settled' | 'extended' | 'expiresUs'> {
    const { policies, cost } = charged;
    const each = (step: Step, missing: readonly number[]) =>
      policies.map((_, at) => leastOf(step, policies, at, missing[at] ?? 0));
    const write = (step: Step, charges: readonly Charge[]): RecordedExtension => ({
      ...(policies.length === 1 ? { cost: charges[0]?.cost ?? 0 } : { cost: 0, charges }),
      ...{ invokedUs: step.invokedUs, completedUs: step.completedUs, outcome: step.outcome },
      ...(step.decision && !isLimiters && { decision: step.decision }),
    });
    const steps = joined(this.#extended, (step) => each(step, []));
    const extended = steps.map((step) =>
      write(
        step,
        chargesOf(charged, each(step, [])).filter((charge) => charge.cost > 0),
      ),
    );
    const holding = steps.filter(({ outcome }) => outcome !== 'denied').map((step) => each(step, []));
    const held = policies.map((_, at) =>
      holding.reduce((sum, tokens) => sum + (tokens[at] ?? 0), tokensOf(cost, policies, at, 1)),
    );
    const settled = this.#settled;
    return given({
      extended: extended.length === 0 ? undefined : extended,
      settled:
        settled === undefined || settled.outcome === 'failed'
          ? undefined
          : {
              ...write(
                settled,
                chargesOf(
                  charged,
                  each(settled, held).map((tokens, at) => Math.min(tokens, held[at] ?? 0)),
                ),
              ),
              outcome: settled.outcome === 'allowed' ? ('allowed' as const) : ('info' as const),
            },
      expiresUs: this.#expiryUs(steps),
    });
  }

  /** An extension renews the expiry at the earliest when it is first asked for. */
  #expiryUs(extended: readonly Step[]): number | undefined {
    if (this.#lastsMs === undefined) return undefined;
    const renewed = extended.filter(({ outcome }) => outcome === 'allowed').map(({ invokedUs }) => invokedUs);
    return Math.max(this.#firstUs, ...renewed) + 1_000 * this.#lastsMs;
  }
}

function chargesOf({ bucket, policies }: Charged, tokens: readonly number[]): Charge[] {
  return policies.map(({ name: policy }, at) => ({ bucket, cost: tokens[at] ?? 0, policy }));
}

/** What an attempt asks for at least of one policy: so much less came back. */
function leastOf({ costs }: Step, policies: readonly NamedPolicy[], at: number, missing: number): number {
  return Math.min(...costs.map((cost) => tokensOf(cost, policies, at, missing)));
}

/** By name, `missing` for a name that is not there; under one policy the only name counts. */
function tokensOf(cost: Cost, policies: readonly NamedPolicy[], at: number, missing: number): number {
  if (typeof cost === 'number') return cost;
  const own = policies.length === 1 ? Object.values(cost)[0] : cost[policies[at]?.name ?? ''];
  return own ?? missing;
}
