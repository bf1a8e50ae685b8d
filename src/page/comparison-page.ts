import type { ComparedRun, ComparisonPage, Series } from '../report/html/page-data.ts';
import { makeChart } from './charts/chart.ts';
import { COUNTED, latencyOf, type Metric, timesOf, wholeOf, wrongOf } from './charts/chart-list.ts';
import { makeCharts } from './charts/charts.ts';
import { makeFaultLane } from './charts/fault-lane.ts';
import type { Line } from './charts/line.ts';
import { TimeAxis } from './charts/time-axis.ts';
import { make, section } from './dom.ts';
import { makeBar, makeCommand, verdictBadge } from './head.ts';
import { sample, styleOf } from './palette.ts';
import { makeScroll } from './scroll.ts';

const LATENCIES: readonly Metric[] = [
  latencyOf('allowed', 'p50'),
  latencyOf('allowed', 'p99'),
  latencyOf('denied', 'p50'),
  latencyOf('denied', 'p99'),
];

const ABOUT =
  'Each run begins at 0 s, when its recording began. The longest run sets the width of the bins. This page needs no network and sends nothing.';

type Seen = ComparedRun & { readonly series: Series };

/** Several runs on the same axes, with differences marked. */
export function showComparison(page: ComparisonPage, main: HTMLElement): void {
  document.title = page.title;
  main.before(makeBar('comparison of runs'));
  const seen = page.runs.flatMap((run) => (run.series === undefined ? [] : [{ ...run, series: run.series }]));
  main.append(
    make('div', { class: 'headline' }, make('h1', { text: page.title })),
    make('ul', { class: 'runs' }, ...page.runs.map(makeRun)),
  );
  if (seen.length > 0) main.append(section('time', 'On the same axes', makeComparedCharts(page, seen)));
  main.append(
    section('figures', 'Side by side', makeComparedTable(page)),
    make(
      'footer',
      {},
      ...page.runs.flatMap(({ letter, notes }) =>
        notes.map((text) => make('p', { text: `${letter}: ${text}` })),
      ),
      make('p', { text: ABOUT }),
    ),
  );
}

function makeRun({ letter, name, verdict, command }: ComparedRun, at: number): HTMLElement {
  return make(
    'li',
    {},
    make(
      'div',
      { class: 'headline' },
      make('b', { class: 'letter', text: letter }),
      sample(styleOf(at)),
      verdictBadge(verdict),
      make('span', { class: 'run-name', text: name }),
    ),
    makeCommand(command),
  );
}

function makeComparedCharts({ regions, runs }: ComparisonPage, seen: readonly Seen[]): HTMLElement {
  const axis = new TimeAxis({
    min: Math.min(...seen.map(({ series }) => wholeOf(series).min)),
    max: Math.max(...seen.map(({ series }) => wholeOf(series).max)),
  });
  const grid = gridOf(seen);
  const happenings = {
    spans: runs.flatMap(({ letter, spans }) =>
      spans.map((span) => ({ ...span, name: `${letter}: ${span.name}` })),
    ),
    marks: runs.flatMap(({ letter, marks }) =>
      marks.map((mark) => ({ ...mark, name: `${letter}: ${mark.name}` })),
    ),
  };
  const linesOf = (metric: Metric, region: string | undefined): Line[] =>
    seen.map((run) => ({
      name: run.letter,
      style: styleOf(runs.findIndex(({ letter }) => letter === run.letter)),
      values: onGrid(grid, run, metric, region),
    }));
  const metrics = [...COUNTED, ...wrongOf(seen), ...LATENCIES];
  const charts = metrics.map((metric, at) => ({
    metric,
    chart: makeChart({
      heading: metric.heading,
      unit: metric.unit,
      axis,
      times: grid.times,
      happenings,
      lines: linesOf(metric, undefined),
      isFilledBetween: seen.length === 2,
      hasTimes: at === metrics.length - 1,
    }),
  }));
  const lane = makeFaultLane('What happened', axis, happenings);
  return makeCharts({
    axis,
    rows: [...(lane === undefined ? [] : [lane]), ...charts.map(({ chart }) => chart.row)],
    label: 'The runs over time',
    regions,
    happenings,
    onRegion: (region) => {
      for (const { metric, chart } of charts) chart.replace(linesOf(metric, region));
    },
  });
}

interface Grid {
  readonly startUs: number;
  readonly binUs: number;
  readonly times: readonly number[];
}

/** The bins of all runs have one width and begin at multiples of it. */
function gridOf(seen: readonly Seen[]): Grid {
  const binUs = seen[0]?.series.binUs ?? 1;
  const startUs = Math.min(...seen.map(({ series }) => series.startUs));
  const endUs = Math.max(...seen.map(({ series }) => series.startUs + series.bins * binUs));
  return { startUs, binUs, times: timesOf({ startUs, binUs, bins: Math.round((endUs - startUs) / binUs) }) };
}

function onGrid(
  { startUs, binUs, times }: Grid,
  { series, regions }: Seen,
  metric: Metric,
  region: string | undefined,
) {
  const place = region === undefined ? -1 : regions.indexOf(region);
  if (region !== undefined && place < 0) return times.map(() => null);
  const values = metric.valuesOf(series, series.byRegion[place]);
  const offset = Math.round((series.startUs - startUs) / binUs);
  return times.map((_, bin) => values[bin - offset] ?? null);
}

/** A difference from the first run has a sign and a word as well as a colour. */
function makeComparedTable({ runs, rows }: ComparisonPage): HTMLElement {
  return makeScroll(
    make(
      'table',
      { class: 'compared' },
      make('caption', {
        text: 'Marked: values other than those of the first run; figures that differ by more than 5%.',
      }),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          make('th', { attributes: { scope: 'col' } }, make('span', { class: 'unseen', text: 'figure' })),
          ...runs.map(({ letter, name }) =>
            make('th', { attributes: { scope: 'col', title: name }, class: 'number', text: letter }),
          ),
        ),
      ),
      make(
        'tbody',
        {},
        ...rows.map(({ name, values, ratios, differs }) =>
          make(
            'tr',
            {},
            make('th', { text: name, attributes: { scope: 'row' } }),
            ...values.map((value, at) => makeCell(value, ratios[at] ?? null, differs[at] === true)),
          ),
        ),
      ),
    ),
    'Figures side by side',
  );
}

function makeCell(value: string, ratio: number | null, isOther: boolean): HTMLElement {
  const sign = ratio === null ? '≠' : ratio > 1 ? '▲' : '▼';
  return make(
    'td',
    { class: isOther ? 'number differs' : 'number' },
    value === '' ? '-' : value,
    isOther
      ? make('span', { class: 'ratio', text: ratio === null ? ` ${sign}` : ` ${sign} × ${ratio.toFixed(2)}` })
      : undefined,
  );
}
