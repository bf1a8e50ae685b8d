import type { LineStyle } from '../palette.ts';
import type { Happenings } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';

/** One line of a chart. */
export interface Line {
  readonly name: string;
  readonly style: LineStyle;
  /** One for each time of the chart; null without a value. */
  readonly values: readonly (number | null)[];
}

export interface ChartParts {
  readonly heading: string;
  readonly unit: string;
  readonly axis: TimeAxis;
  /** Seconds, rising. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly happenings: Happenings;
  /** Whether the times are written below the chart: once for several charts. */
  readonly hasTimes?: boolean;
  /** Fills the stretch between the first two lines. */
  readonly isFilledBetween?: boolean;
}
