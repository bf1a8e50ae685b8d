import type { MatrixCell } from '../../src/report/matrix.ts';

/** The parts of a cell that are compared. */
export type ComparedCell = Pick<MatrixCell, 'scenario' | 'strategy' | 'status'> & {
  readonly figures: { readonly excess: { readonly measured: number } } | null;
};

export function compareMatrix<Cell extends ComparedCell>(
  real: readonly Cell[],
  simulated: readonly Cell[],
): {
  readonly scenario: string;
  readonly strategy: string;
  readonly real: Cell;
  readonly simulated: Cell | undefined;
  readonly why: string;
}[];
