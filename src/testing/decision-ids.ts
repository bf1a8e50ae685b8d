import type { Cost } from '../limiter/limiter.ts';

/** A call with a decision id. */
export interface Attempt {
  readonly bucket: string;
  readonly sign: 1 | -1;
  readonly cost: Cost;
  readonly decisionId: string;
}

interface Decided {
  cost: Cost;
  /** How often the limiter charged this id: again, once it has forgotten it. */
  admissions: number;
  /** Whether an attempt was lost, so that its charge may be what a later one remembers. */
  isOpen: boolean;
}

/** The ids of decisions as a history has them, where attempts with one id are one charge, of one cost. */
export class DecisionIds {
  readonly #decided = new Map<string, Decided>();

  begin({ bucket, sign, decisionId, cost }: Attempt): void {
    const key = keyOf({ bucket, sign, decisionId });
    const known = this.#decided.get(key);
    if (known === undefined) this.#decided.set(key, { cost, admissions: 0, isOpen: false });
    else if (known.admissions === 0) known.isOpen = true; // two at once
  }

  /** Of an attempt without a usable reply. */
  lose({ decisionId, ...attempt }: Attempt): string {
    const decided = this.#decided.get(keyOf({ decisionId, ...attempt }));
    if (decided !== undefined) decided.isOpen = true;
    return nameOf(decisionId, decided?.admissions ?? 0);
  }

  /** Of an admission, with the cost that it was charged; undefined if it was charged before the recording. */
  admit(
    { decisionId, ...attempt }: Attempt,
    isRemembered: boolean,
  ): { readonly id: string; readonly cost: Cost } | undefined {
    const { sign, cost } = attempt;
    const decided = this.#decided.get(keyOf({ decisionId, ...attempt })) ?? {
      ...{ cost, admissions: 0, isOpen: false },
    };
    if (isRemembered && decided.admissions === 0 && !decided.isOpen) return undefined;
    const isCharged = !isRemembered && (sign > 0 || decided.admissions === 0);
    if (isCharged) {
      decided.admissions++;
      decided.cost = cost;
    }
    return { id: nameOf(decisionId, decided.admissions), cost: decided.cost };
  }
}

function keyOf({ bucket, sign, decisionId }: Omit<Attempt, 'cost'>): string {
  return JSON.stringify([bucket, sign, decisionId]);
}

function nameOf(decisionId: string, admissions: number): string {
  return admissions < 2 ? decisionId : `${decisionId} ${admissions}`;
}
