import type { MatrixFigures } from '../../src/report/matrix.ts';
import type { RunReport } from '../../src/report/report.ts';
import type { ComparedRun } from './compare.mjs';

export interface RunFigures extends ComparedRun {
  readonly scenario: string;
  readonly seed: number;
  readonly figures: MatrixFigures;
}

export function figuresOf(report: RunReport): RunFigures;
