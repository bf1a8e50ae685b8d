/** A run as `figuresOf` makes it, and the machine that made it. */
export interface KeptRun {
  readonly scenario: string;
  readonly seed: number;
}

export function readRuns(file: string): KeptRun[];
export function keepRun(file: string, run: KeptRun): void;
export function isSame(one: KeptRun, other: KeptRun): boolean;
