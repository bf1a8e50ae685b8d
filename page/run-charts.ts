import type { Picture, RegionSeries, Series } from '../src/report/html/page-data.ts';
import { type Chart, makeChart } from './chart.ts';
import { make } from './dom.ts';
import { makeFaultLane } from './fault-lane.ts';
import { OUTCOME_STYLES, styleOf } from './palette.ts';
import { TimeAxis } from './time-axis.ts';
import { bindKeys, HINT, makeToolbar } from './toolbar.ts';

const TIMED = ['allowed', 'denied', 'failed'] as const;

const RATES = [
  { outcome: 'allowed', heading: 'Allowed' },
  { outcome: 'denied', heading: 'Denied' },
  { outcome: 'failed', heading: 'Failed' },
  { outcome: 'info', heading: 'No reply' },
] as const;

export interface RunCharts {
  readonly element: HTMLElement;
  readonly axis: TimeAxis;
  /** Takes another chart below the others. */
  add(row: HTMLElement): void;
}

export function axisOf({ startUs, binUs, bins }: Series): { axis: TimeAxis; times: number[] } {
  const seconds = (bin: number) => (startUs + bin * binUs) / 1e6;
  return {
    axis: new TimeAxis({ min: seconds(0), max: seconds(bins) }),
    times: Array.from({ length: bins }, (_, bin) => seconds(bin + 0.5)),
  };
}

/** Everything of a run that is over time: each region's rates, latencies, and what was wrong, on one axis. */
export function makeRunCharts(picture: Picture & { readonly series: Series }): RunCharts {
  const { series, regions } = picture;
  const { axis, times } = axisOf(series);
  const shared = { axis, times, happenings: picture };
  const rates = RATES.map(({ outcome, heading }) =>
    makeChart({
      ...shared,
      heading,
      unit: 'per second',
      lines: byRegion(regions, series, ({ counts }) => perSecond(counts[outcome], series)),
    }),
  );
  const latencies = (['p50', 'p99'] as const).map((percentile) => makeLatency(percentile, picture, shared));
  const wrong = [
    makeChart({
      ...shared,
      heading: 'Excess',
      unit: 'tokens beyond an ideal bucket',
      lines: byRegion(regions, series, ({ excess }) => excess),
    }),
    makeChart({
      ...shared,
      heading: 'False denials',
      unit: 'per second',
      lines: byRegion(regions, series, ({ falseDenials }) => perSecond(falseDenials, series)),
    }),
  ];
  const lane = makeFaultLane('What happened', axis, picture);
  const hint = make('p', { class: 'hint', text: HINT, attributes: { id: 'hint' } });
  const charts = make(
    'div',
    {
      class: 'charts',
      attributes: {
        tabindex: 0,
        role: 'group',
        'aria-label': 'The run over time',
        'aria-describedby': 'hint',
      },
    },
    ...[lane, ...rates, ...latencies, ...wrong].map((chart) => chart?.row),
  );
  bindKeys(charts, axis, picture);
  const filter = (region: string | undefined) => {
    for (const chart of [...rates, ...wrong]) chart.filter((name) => region === undefined || name === region);
    for (const chart of latencies) chart.choose(region);
  };
  return {
    element: make('div', {}, makeToolbar({ axis, regions, onRegion: filter }), charts, hint),
    axis,
    add: (row) => charts.append(row),
  };
}

function byRegion(
  regions: readonly string[],
  series: Series,
  valuesOf: (region: RegionSeries) => readonly number[],
) {
  return regions.map((name, at) => {
    const region = series.byRegion[at];
    return { name, style: styleOf(at), values: region === undefined ? [] : valuesOf(region) };
  });
}

export function perSecond(counts: readonly number[], { binUs }: Series): number[] {
  return counts.map((count) => (count * 1e6) / binUs);
}

interface Shared {
  readonly axis: TimeAxis;
  readonly times: readonly number[];
  readonly happenings: Picture;
}

/** One percentile of each outcome: of all regions together, or of the one that is chosen. */
function makeLatency(
  percentile: 'p50' | 'p99',
  { series, regions }: Picture & { readonly series: Series },
  shared: Shared,
): Chart & { choose(region: string | undefined): void } {
  const valuesOf = (region: string | undefined) => {
    const latency =
      (region === undefined ? undefined : series.byRegion[regions.indexOf(region)]?.latency) ??
      series.latency;
    return TIMED.map((outcome) => latency[outcome][percentile]);
  };
  const lines = TIMED.map((outcome, at) => ({
    name: outcome,
    style: OUTCOME_STYLES[outcome],
    values: [...(valuesOf(undefined)[at] ?? [])],
  }));
  const chart = makeChart({ ...shared, heading: `Latency, ${percentile}`, unit: 'ms', lines });
  return {
    ...chart,
    choose(region) {
      const chosen = valuesOf(region);
      for (const [at, { values }] of lines.entries()) values.splice(0, values.length, ...(chosen[at] ?? []));
      chart.plot.setData([[...shared.times], ...lines.map(({ values }) => [...values])], false);
      chart.plot.redraw();
    },
  };
}
