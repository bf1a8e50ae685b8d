import uPlot from 'uplot';
import { make } from './dom.ts';
import { type LineStyle, sample, strokeOf } from './palette.ts';
import { drawShades, type Happenings } from './shades.ts';
import { numberText } from './text.ts';
import { colour, onTheme } from './theme.ts';
import type { TimeAxis } from './time-axis.ts';

/** The width of the scale at the left of every chart, so that all begin at one place. */
export const SCALE_WIDTH = 58;

/** One line of a chart. */
export interface Line {
  readonly name: string;
  readonly style: LineStyle;
  /** As wide as the bins of the chart; null where there is nothing. */
  readonly values: readonly (number | null)[];
  readonly isBars?: boolean;
}

export interface ChartParts {
  readonly heading: string;
  readonly unit: string;
  readonly axis: TimeAxis;
  /** Seconds, the middle of each bin. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly happenings: Happenings;
  readonly height?: number;
  /** Fills the stretch between the first two lines. */
  readonly isFilledBetween?: boolean;
}

/** A chart in its row: heading and legend at the left, the lines at the right. */
export interface Chart {
  readonly row: HTMLElement;
  readonly plot: uPlot;
  /** Shows only the lines of which this is true. */
  filter(isShown: (name: string) => boolean): void;
}

const SYNC = 'openclaw-rl';

/** Draws lines over the time axis that all charts share. */
export function makeChart(parts: ChartParts): Chart {
  const { lines, times, happenings, axis } = parts;
  const legend = new Legend(parts);
  const place = make('div', { class: 'plot', attributes: { role: 'img', 'aria-label': describe(parts) } });
  const row = make('div', { class: 'chart' }, legend.element, place);
  const plot = new uPlot(
    {
      ...chartOptions(axis, parts.height ?? 118),
      series: [{}, ...lines.map(seriesOf)],
      bands: parts.isFilledBetween === true ? [{ series: [1, 2], fill: () => colour('difference') }] : [],
      axes: [timeScale(), valueScale()],
      scales: {
        x: { time: false, range: () => rangeOf(axis) },
        y: { range: (_, __, max) => [0, roomy(max)] },
      },
      hooks: {
        drawClear: [(chart) => drawShades(chart, happenings)],
        setCursor: [(chart) => legend.show(chart.cursor.idx)],
        setSelect: [(chart) => selectRange(chart, axis)],
      },
    },
    [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData,
    place,
  );
  keep(plot, place, axis);
  return {
    row,
    plot,
    filter(isShown) {
      for (const [at, { name }] of lines.entries()) plot.setSeries(at + 1, { show: isShown(name) }, false);
      legend.filter(isShown);
    },
  };
}

/** What all charts have in common. */
export function chartOptions(_axis: TimeAxis, height: number) {
  return {
    width: 600,
    height,
    padding: [6, 10, 0, 0] as uPlot.Padding,
    legend: { show: false },
    pxAlign: 0 as const,
    cursor: {
      y: false,
      points: { size: 7 },
      sync: { key: SYNC, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => null },
    },
  };
}

/** Makes a chart as wide as its place, now and later, and part of the axis. */
export function keep(plot: uPlot, place: HTMLElement, axis: TimeAxis): void {
  axis.add(plot);
  new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  }).observe(place);
  plot.over.addEventListener('dblclick', () => axis.reset());
  onTheme(() => plot.redraw(false));
}

export function rangeOf(axis: TimeAxis): [number, number] {
  return [axis.range.min, axis.range.max];
}

/** What was dragged over becomes what is shown. */
export function selectRange(chart: uPlot, axis: TimeAxis): void {
  const { left, width } = chart.select;
  if (width < 4) return;
  axis.show({ min: chart.posToVal(left, 'x'), max: chart.posToVal(left + width, 'x') });
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

export function timeScale(): uPlot.Axis {
  return {
    stroke: () => colour('quiet'),
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    size: 20,
    gap: 3,
    space: 70,
    values: (_, splits, __, ___, increment) =>
      splits.map(
        (at) => `${at.toFixed(increment < 0.01 ? 3 : increment < 0.1 ? 2 : increment < 1 ? 1 : 0)} s`,
      ),
  };
}

export function valueScale(): uPlot.Axis {
  return {
    stroke: () => colour('quiet'),
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    size: SCALE_WIDTH,
    gap: 6,
    space: 28,
    values: (_, splits) => splits.map((value) => numberText(value, 2)),
  };
}

function seriesOf({ name, style, isBars = false }: Line): uPlot.Series {
  const bars = uPlot.paths.bars?.({ size: [1, 40], align: 0 });
  return {
    label: name,
    stroke: () => strokeOf(style),
    width: isBars ? 0 : 1.75,
    dash: [...style.dash],
    points: { show: false },
    ...(isBars && bars !== undefined ? { paths: bars, fill: () => strokeOf(style) } : {}),
  };
}

function roomy(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.08;
}

/** What somebody who does not see the chart is told. */
function describe({ heading, unit, lines, times }: ChartParts): string {
  const peaks = lines.map(({ name, values }) => {
    const most = values.reduce<number>((peak, value) => Math.max(peak, value ?? 0), 0);
    const at = times[values.indexOf(most)] ?? 0;
    return `${name} at most ${numberText(most)}${most === 0 ? '' : ` at ${at.toFixed(1)} s`}`;
  });
  return `${heading}, ${unit}, over time: ${peaks.join('; ')}`;
}

/** Names the lines, and tells their values where the cursor is. */
class Legend {
  readonly element: HTMLElement;
  readonly #lines: readonly Line[];
  readonly #rows: HTMLElement[];
  readonly #values: HTMLElement[];

  constructor({ heading, unit, lines }: ChartParts) {
    this.#lines = lines;
    this.#values = lines.map(() => make('span', { class: 'value' }));
    this.#rows = lines.map(({ name, style }, at) =>
      make('li', {}, sample(style), make('span', { class: 'name', text: name }), this.#values[at]),
    );
    this.element = make(
      'div',
      { class: 'legend' },
      make('h3', {}, heading, make('span', { class: 'unit', text: ` ${unit}` })),
      make('ul', {}, ...this.#rows),
    );
  }

  show(bin: number | null | undefined): void {
    for (const [at, { values }] of this.#lines.entries()) {
      const value = bin === null || bin === undefined ? undefined : values[bin];
      const cell = this.#values[at];
      if (cell !== undefined)
        cell.textContent = value === null || value === undefined ? '' : numberText(value);
    }
  }

  filter(isShown: (name: string) => boolean): void {
    for (const [at, { name }] of this.#lines.entries()) {
      const row = this.#rows[at];
      if (row !== undefined) row.hidden = !isShown(name);
    }
  }
}
