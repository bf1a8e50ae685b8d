import uPlot from 'uplot';
import { make } from '../dom.ts';
import { colour } from '../theme.ts';
import { chartOptions, keep, rangeOf, SCALE_WIDTH, selectRange } from './chart.ts';
import { type Happenings, hatch, line } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';

const LANE = 20;
const MOST_LANES = 6;

interface Named {
  readonly text: string;
  readonly fromUs: number;
  /** Null for a moment, and for a span without an end. */
  readonly untilUs: number | null;
  readonly kind: 'fault' | 'failover' | 'clock' | 'settled';
}

/** The first row of the axis: faults, takeovers and other events, by name. */
export function makeFaultLane(
  heading: string,
  axis: TimeAxis,
  happenings: Happenings,
): HTMLElement | undefined {
  const named: Named[] = [
    ...happenings.spans.map((span) => ({ ...span, text: span.name, kind: 'fault' as const })),
    ...happenings.marks.flatMap((mark): Named[] =>
      mark.kind === 'other' ? [] : [{ text: mark.name, fromUs: mark.atUs, untilUs: null, kind: mark.kind }],
    ),
  ].sort((a, b) => a.fromUs - b.fromUs);
  if (named.length === 0) return undefined;
  const element = make('div', {
    class: 'plot',
    attributes: { role: 'img', 'aria-label': `Over time: ${named.map(describe).join('; ')}` },
  });
  const legend = make('div', { class: 'legend' }, make('h3', { text: heading }));
  const row = make('div', { class: 'chart lane' }, legend, element);
  const plot = new uPlot(
    {
      ...chartOptions(heightOf(1)),
      series: [{}, { show: false }],
      axes: [
        { show: false },
        { size: SCALE_WIDTH, grid: { show: false }, ticks: { show: false }, values: () => [] },
      ],
      scales: { x: { time: false, range: () => rangeOf(axis) }, y: { range: () => [0, 1] } },
      hooks: {
        draw: [(chart) => adjustHeight(chart, drawNamed(chart, named))],
        setSelect: [(chart) => selectRange(chart, axis)],
      },
    },
    [
      [axis.whole.min, axis.whole.max],
      [null, null],
    ],
    element,
  );
  keep(plot, element, axis);
  return row;
}

function heightOf(lanes: number): number {
  return lanes * LANE + 12;
}

/** As high as the lanes in use: with what is shown and how wide the page is, they change. */
function adjustHeight(chart: uPlot, lanes: number): void {
  const height = heightOf(lanes);
  if (chart.height !== height) queueMicrotask(() => chart.setSize({ width: chart.width, height }));
}

function describe({ text, fromUs, untilUs, kind }: Named): string {
  const seconds = (us: number) => (us / 1e6).toFixed(1);
  if (kind !== 'fault') return `${text} at ${seconds(fromUs)} s`;
  return `${text} from ${seconds(fromUs)} s ${untilUs === null ? 'on' : `to ${seconds(untilUs)} s`}`;
}

/** The place of one event: its name is in the first lane without overlap. */
interface Placed {
  readonly one: Named;
  readonly label: string;
  readonly from: number;
  readonly until: number;
  readonly textLeft: number;
  readonly textWidth: number;
  readonly lane: number;
}

function place({ ctx, bbox, valToPos }: uPlot, named: readonly Named[]): Placed[] {
  const px = devicePixelRatio;
  const right = bbox.left + bbox.width;
  const ends: number[] = [];
  return named.flatMap((one) => {
    const from = valToPos(one.fromUs / 1e6, 'x', true);
    const until =
      one.kind !== 'fault' ? from : one.untilUs === null ? right : valToPos(one.untilUs / 1e6, 'x', true);
    if (until < bbox.left || from > right) return [];
    const label = LABELS[one.kind] + one.text;
    const textWidth = ctx.measureText(label).width;
    const isLeft = one.kind !== 'fault' && from + textWidth + 12 * px > right;
    const wanted = isLeft ? from - textWidth - 6 * px : Math.max(bbox.left, from) + 6 * px;
    const textLeft = Math.max(bbox.left + 2 * px, wanted);
    const lane = laneFor(ends, Math.min(from, textLeft), Math.max(until, textLeft + textWidth + 8 * px));
    return [{ one, label, from, until, textLeft, textWidth, lane }];
  });
}

/** Draws every name, and returns the number of lanes they are in. */
function drawNamed(chart: uPlot, named: readonly Named[]): number {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const placed = place(chart, named);
  ctx.lineWidth = 1.5 * px;
  ctx.setLineDash([2 * px, 2 * px]);
  for (const { one, from } of placed) {
    if (one.kind === 'fault') continue;
    ctx.strokeStyle = colour(COLOURS[one.kind]);
    line(ctx, from, bbox.top, from, bbox.top + bbox.height);
  }
  for (const each of placed) drawName(chart, each);
  ctx.restore();
  return Math.min(
    MOST_LANES,
    placed.reduce((most, { lane }) => Math.max(most, lane + 1), 1),
  );
}

function drawName(
  { ctx, bbox }: uPlot,
  { one, label, from, until, textLeft, textWidth, lane }: Placed,
): void {
  const px = devicePixelRatio;
  const top = bbox.top + (lane % MOST_LANES) * LANE * px + 2 * px;
  const height = (LANE - 4) * px;
  if (one.kind === 'fault') {
    const left = Math.max(bbox.left, from);
    const width = Math.max(2 * px, Math.min(until, bbox.left + bbox.width) - left);
    ctx.fillStyle = colour('fault-lane');
    ctx.fillRect(left, top, width, height);
    hatch(ctx, { left, top, width, height });
    ctx.strokeStyle = colour('fault');
    ctx.lineWidth = px;
    ctx.setLineDash([]);
    ctx.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  } else {
    ctx.fillStyle = colour('panel'); // keeps the name readable over any background
    ctx.fillRect(textLeft - 2 * px, top, textWidth + 4 * px, height);
  }
  ctx.fillStyle = colour(COLOURS[one.kind]);
  ctx.fillText(label, textLeft, top + height / 2 + px);
}

const LABELS = { fault: '', failover: '▲ ', clock: '◷ ', settled: '✓ ' };

const COLOURS = { fault: 'fault-text', failover: 'failover', clock: 'quiet', settled: 'quiet' };

function laneFor(ends: number[], from: number, until: number): number {
  const free = ends.findIndex((end) => end <= from);
  const lane = free >= 0 ? free : ends.length;
  ends[lane] = until;
  return lane;
}
