import type { RunFigures } from './figures.mjs';

export function simulate(
  run: { readonly scenario: string; readonly seed: number },
  real?: { readonly run: string },
): Promise<RunFigures>;
