import uPlot from 'uplot';
import { make } from '../dom.ts';
import { strokeOf } from '../palette.ts';
import { numberText } from '../text.ts';
import { colour, onTheme } from '../theme.ts';
import { makeLegend } from './legend.ts';
import type { ChartParts, Line } from './line.ts';
import { drawShades } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';

/** The width of the scale at the left of every chart, so that all begin at one place. */
export const SCALE_WIDTH = 58;

const HEIGHT = 92;
const TIMES_HEIGHT = 20;

/** A chart in its row: heading and legend at the left, what is drawn at the right. */
export interface Drawing {
  readonly row: HTMLElement;
  /** Removes the chart from the axis. */
  readonly end: () => void;
}

export interface Chart extends Drawing {
  /** Shows only the lines that match. */
  filter(isShown: (name: string) => boolean): void;
  /** Replaces the values of the lines. */
  replace(lines: readonly Line[]): void;
}

/** Draws lines over the time axis that all charts share. */
export function makeChart(parts: ChartParts): Chart {
  const { times, happenings, axis, hasTimes = false } = parts;
  let { lines } = parts;
  const legend = makeLegend(parts);
  const place = make('div', { class: 'plot', attributes: { role: 'img', 'aria-label': describe(parts) } });
  const row = make('div', { class: 'chart' }, legend.element, place);
  const dataOf = () => [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData;
  const plot = new uPlot(
    {
      ...chartOptions(hasTimes ? HEIGHT + TIMES_HEIGHT : HEIGHT),
      series: [{}, ...lines.map(seriesOf)],
      bands:
        parts.isFilledBetween === true
          ? [
              { series: [1, 2], fill: () => colour('difference') },
              { series: [2, 1], fill: () => colour('difference') },
            ]
          : [],
      axes: [timeScale(hasTimes), valueScale()],
      scales: {
        x: { time: false, range: () => rangeOf(axis) },
        y: { range: (_, __, max) => [0, roomy(max)] },
      },
      hooks: {
        drawClear: [(chart) => drawShades(chart, happenings)],
        draw: [(chart) => drawNothing(chart, lines)],
        setCursor: [({ cursor: { idx } }) => legend.show(lines, idx ?? undefined)],
        setSelect: [(chart) => selectRange(chart, axis)],
      },
    },
    dataOf(),
    place,
  );
  return {
    row,
    end: keep(plot, place, axis),
    filter(isShown) {
      for (const [at, { name }] of lines.entries()) plot.setSeries(at + 1, { show: isShown(name) }, false);
      legend.filter(isShown);
    },
    replace(others) {
      lines = others;
      plot.setData(dataOf(), false);
      plot.redraw(true, true);
      place.setAttribute('aria-label', describe({ ...parts, lines }));
    },
  };
}

/** The common options of all charts. */
export function chartOptions(height: number) {
  return {
    width: 600,
    height,
    padding: [6, 10, 0, 0] as uPlot.Padding,
    legend: { show: false },
    pxAlign: 0 as const,
    cursor: {
      y: false,
      points: { size: 7 },
      sync: { key: 'openclaw-rl', setSeries: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => null },
    },
  };
}

/** Keeps a chart as wide as its place, and part of the axis. Returns a function that ends this. */
export function keep(plot: uPlot, place: HTMLElement, axis: TimeAxis): () => void {
  axis.add(plot);
  const observer = new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  observer.observe(place);
  plot.over.addEventListener('dblclick', () => axis.reset());
  const forget = onTheme(() => plot.redraw(false));
  return () => {
    observer.disconnect();
    forget();
    axis.remove(plot);
    plot.destroy();
  };
}

export function rangeOf(axis: TimeAxis): [number, number] {
  return [axis.range.min, axis.range.max];
}

/** Zooms to the dragged range. */
export function selectRange(chart: uPlot, axis: TimeAxis): void {
  const { left, width } = chart.select;
  if (width < 4) return;
  axis.show({ min: chart.posToVal(left, 'x'), max: chart.posToVal(left + width, 'x') });
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

export function timeScale(hasTimes = true): uPlot.Axis {
  const digits = (increment: number) => Math.min(6, (String(increment).split('.')[1] ?? '').length);
  return {
    ...scale(),
    size: hasTimes ? TIMES_HEIGHT : 3,
    gap: 3,
    space: 70,
    values: (_, splits, __, ___, increment) =>
      splits.map((at) => (hasTimes ? `${at.toFixed(digits(increment))} s` : '')),
  };
}

export function valueScale(): uPlot.Axis {
  return {
    ...scale(),
    size: SCALE_WIDTH,
    gap: 6,
    space: 28,
    values: (_, splits) => splits.map((value) => numberText(value, 2)),
  };
}

function scale(): uPlot.Axis {
  return {
    stroke: () => colour('quiet'),
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
}

function seriesOf({ name, style }: Line): uPlot.Series {
  return {
    label: name,
    stroke: () => strokeOf(style),
    width: 1.75,
    dash: [...style.dash],
    points: { show: false },
  };
}

function roomy(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.08;
}

/** An empty chart has a note, because a flat line could look like a missing one. */
function drawNothing({ ctx, bbox }: uPlot, lines: readonly Line[]): void {
  if (lines.some(({ values }) => values.some((value) => value !== null && value !== 0))) return;
  ctx.save();
  ctx.fillStyle = colour('quiet');
  ctx.font = `${13 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillText('none', bbox.left + bbox.width / 2, bbox.top + bbox.height / 2);
  ctx.restore();
}

/** The chart as text, for screen readers. */
function describe({ heading, unit, lines, times }: ChartParts): string {
  const peaks = lines.map(({ name, values }) => {
    const most = values.reduce<number>((peak, value) => Math.max(peak, value ?? 0), 0);
    const at = times[values.indexOf(most)] ?? 0;
    return `${name} at most ${numberText(most)}${most === 0 ? '' : ` at ${at.toFixed(1)} s`}`;
  });
  return `${heading}, ${unit}, over time: ${peaks.join('; ')}`;
}
