import type { Picture, Series } from '../../report/html/page-data.ts';
import { OUTCOME_STYLES, styleOf } from '../palette.ts';
import { type Chart, makeChart } from './chart.ts';
import { COUNTED, latencyOf, PERCENTILES, TIMED, timesOf, wholeOf, wrongOf } from './chart-list.ts';
import { makeCharts } from './charts.ts';
import { makeFaultLane } from './fault-lane.ts';
import type { Line } from './line.ts';
import { TimeAxis } from './time-axis.ts';

export interface RunCharts {
  readonly element: HTMLElement;
  readonly axis: TimeAxis;
}

/** A chart that can show one region, or all. */
interface Filtered extends Pick<Chart, 'row'> {
  choose(region: string | undefined): void;
}

/** All charts of a run over time: rates, latencies and violations by region, on one axis. */
export function makeRunCharts(picture: Picture & { readonly series: Series }): RunCharts {
  const { series, regions } = picture;
  const axis = new TimeAxis(wholeOf(series));
  const shared = { axis, times: timesOf(series), happenings: picture };
  const counted = (metrics: typeof COUNTED, hasTimes = false): Filtered[] =>
    metrics.map(({ heading, unit, valuesOf }, at) => {
      const lines = regions.map((name, region) => ({
        name,
        style: styleOf(region),
        values: valuesOf(series, series.byRegion[region]),
      }));
      const isLast = hasTimes && at === metrics.length - 1;
      const chart = makeChart({ ...shared, heading, unit, lines, hasTimes: isLast });
      return {
        row: chart.row,
        choose: (region) => chart.filter((name) => region === undefined || name === region),
      };
    });
  const latencies = PERCENTILES.map((percentile) => makeLatency(percentile, picture, shared));
  const charts = [...counted(COUNTED), ...latencies, ...counted(wrongOf([picture]), true)];
  const lane = makeFaultLane('What happened', axis, picture);
  const element = makeCharts({
    axis,
    rows: [...(lane === undefined ? [] : [lane]), ...charts.map(({ row }) => row)],
    label: 'The run over time',
    regions,
    happenings: picture,
    onRegion: (region) => {
      for (const chart of charts) chart.choose(region);
    },
  });
  return { element, axis };
}

/** One percentile of each outcome: of all regions together, or of the chosen one. */
function makeLatency(
  percentile: (typeof PERCENTILES)[number],
  { series, regions }: Picture & { readonly series: Series },
  shared: { axis: TimeAxis; times: readonly number[]; happenings: Picture },
): Filtered {
  const linesOf = (region: string | undefined): Line[] =>
    TIMED.map((outcome) => ({
      name: outcome,
      style: OUTCOME_STYLES[outcome],
      values: latencyOf(outcome, percentile).valuesOf(
        series,
        region === undefined ? undefined : series.byRegion[regions.indexOf(region)],
      ),
    }));
  const chart = makeChart({
    ...shared,
    heading: `Latency, ${percentile}`,
    unit: 'ms',
    lines: linesOf(undefined),
  });
  return { row: chart.row, choose: (region) => chart.replace(linesOf(region)) };
}
