import { quoted } from '../../core/printable.ts';
import { RecordError } from '../records/fields.ts';

/** Numbers of texts. */
interface Attempt {
  readonly bucket: number;
  readonly decisionId: number;
}

/**
 * Which machine has recorded the attempts of each decision. Attempts are joined before clocks are known, so the times of
 * all attempts of one decision must be of one clock.
 */
export class DecisionMachines {
  readonly #byBucket = new Map<number, Map<number, number>>();

  /** Throws RecordError for an attempt of a decision whose other attempts another machine has recorded. */
  add({ bucket, decisionId }: Attempt, machine: number, textOf: (text: number) => string): void {
    if (machine < 0 || decisionId < 0) return;
    const machines = this.#byBucket.get(bucket) ?? new Map<number, number>();
    const known = machines.get(decisionId);
    if (known === undefined) this.#byBucket.set(bucket, machines.set(decisionId, machine));
    else if (known !== machine)
      throw new RecordError(
        `decisionId ${quoted(textOf(decisionId))} has attempts of machine ${textOf(known)}, too; all attempts of one decision must be recorded by one machine`,
      );
  }
}
