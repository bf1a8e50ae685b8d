export interface Excess {
  readonly of: string;
  readonly measured: number;
  readonly declared: number | null;
}

/** What `figuresOf` makes of a report, as far as runs are compared by it. */
export interface ComparedRun {
  readonly verdict: string;
  readonly figures: {
    readonly excess: Excess;
    readonly availability: readonly { readonly regions: readonly string[]; readonly share: number | null }[];
  };
  readonly roles: readonly {
    readonly node: string;
    readonly from: string;
    readonly to: string;
    readonly afterUs: number;
  }[];
}

export interface ComparedRow {
  readonly scenario: string;
  readonly quantity: string;
  readonly real: string;
  readonly simulated: string;
  readonly tolerance: string;
  readonly isWithin: boolean;
  readonly why: string;
}

export function compareScenario(
  scenario: string,
  real: readonly ComparedRun[],
  simulated: readonly ComparedRun[],
): ComparedRow[];
