import type { RunFigures } from './figures.mjs';

export interface KeptRun {
  readonly scenario: string;
  readonly seed: number;
}

/** A run as `figuresOf` makes it, and the machine that made it. */
export interface RealRun extends RunFigures {
  /** The name of its folder. */
  readonly run: string;
  readonly machine: string;
}

export function readRuns(file: string): RealRun[];
export function keepRun(file: string, run: KeptRun): void;
export function isSame(one: KeptRun, other: KeptRun): boolean;
