import uPlot from 'uplot';
import { chartOptions, keep, rangeOf, SCALE_WIDTH, selectRange } from './chart.ts';
import { make } from './dom.ts';
import { type Happenings, hatch, line } from './shades.ts';
import { colour } from './theme.ts';
import type { TimeAxis } from './time-axis.ts';

const LANE = 20;
const MOST_LANES = 6;

interface Named {
  readonly text: string;
  readonly fromUs: number;
  /** Null for a moment, and for what never ended. */
  readonly untilUs: number | null;
  readonly kind: 'fault' | 'failover' | 'clock' | 'settled';
}

/** The first row of the axis: what was done to the system, and who took over, by name. */
export function makeFaultLane(
  heading: string,
  axis: TimeAxis,
  happenings: Happenings,
): { row: HTMLElement; plot: uPlot } | undefined {
  const named: Named[] = [
    ...happenings.spans.map((span) => ({ ...span, text: span.name, kind: 'fault' as const })),
    ...happenings.marks.flatMap((mark): Named[] =>
      mark.kind === 'other' ? [] : [{ text: mark.name, fromUs: mark.atUs, untilUs: null, kind: mark.kind }],
    ),
  ].sort((a, b) => a.fromUs - b.fromUs);
  if (named.length === 0) return undefined;
  const lanes = Math.min(MOST_LANES, Math.max(2, named.length));
  const place = make('div', {
    class: 'plot',
    attributes: { role: 'img', 'aria-label': `Over time: ${named.map(describe).join('; ')}` },
  });
  const legend = make('div', { class: 'legend' }, make('h3', { text: heading }));
  const row = make('div', { class: 'chart lane' }, legend, place);
  const plot = new uPlot(
    {
      ...chartOptions(axis, lanes * LANE + 12),
      series: [{}, { show: false }],
      axes: [
        { show: false },
        { size: SCALE_WIDTH, grid: { show: false }, ticks: { show: false }, values: () => [] },
      ],
      scales: { x: { time: false, range: () => rangeOf(axis) }, y: { range: () => [0, 1] } },
      hooks: {
        draw: [(chart) => drawNamed(chart, named)],
        setSelect: [(chart) => selectRange(chart, axis)],
      },
    },
    [
      [axis.whole.min, axis.whole.max],
      [null, null],
    ],
    place,
  );
  keep(plot, place, axis);
  return { row, plot };
}

function describe({ text, fromUs, untilUs, kind }: Named): string {
  const seconds = (us: number) => (us / 1e6).toFixed(1);
  if (kind !== 'fault') return `${text} at ${seconds(fromUs)} s`;
  return `${text} from ${seconds(fromUs)} s ${untilUs === null ? 'on' : `to ${seconds(untilUs)} s`}`;
}

/** Each in the first lane in which its name does not run into another's. */
function drawNamed(chart: uPlot, named: readonly Named[]): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const ends: number[] = [];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  const right = bbox.left + bbox.width;
  for (const one of named) {
    const from = chart.valToPos(one.fromUs / 1e6, 'x', true);
    const until =
      one.kind !== 'fault'
        ? from
        : one.untilUs === null
          ? right
          : chart.valToPos(one.untilUs / 1e6, 'x', true);
    if (until < bbox.left || from > right) continue;
    const label = LABELS[one.kind] + one.text;
    const width = ctx.measureText(label).width + 14 * px;
    const isLeft = one.kind !== 'fault' && from + width > right;
    const start = isLeft ? from - width : from;
    const lane = laneFor(ends, Math.max(bbox.left, start), Math.max(until, start + width));
    const top = bbox.top + (lane % MOST_LANES) * LANE * px + 2 * px;
    const height = (LANE - 4) * px;
    if (one.kind === 'fault') {
      const left = Math.max(bbox.left, from);
      const box = { left, top, width: Math.max(2 * px, Math.min(until, right) - left), height };
      ctx.fillStyle = colour('fault-lane');
      ctx.fillRect(box.left, top, box.width, height);
      hatch(ctx, box);
      ctx.strokeStyle = colour('fault');
      ctx.lineWidth = px;
      ctx.setLineDash([]);
      ctx.strokeRect(box.left + 0.5, top + 0.5, box.width - 1, height - 1);
    } else {
      ctx.strokeStyle = colour(one.kind === 'failover' ? 'failover' : 'quiet');
      ctx.lineWidth = 1.5 * px;
      ctx.setLineDash([2 * px, 2 * px]);
      line(ctx, from, bbox.top, from, bbox.top + bbox.height);
    }
    ctx.fillStyle = colour(
      one.kind === 'fault' ? 'fault-text' : one.kind === 'failover' ? 'failover' : 'quiet',
    );
    ctx.textAlign = isLeft ? 'right' : 'left';
    const at = isLeft ? from - 6 * px : Math.max(bbox.left, from) + 6 * px;
    ctx.fillText(label, at, top + height / 2 + px);
  }
  ctx.restore();
}

const LABELS = { fault: '', failover: '▲ ', clock: '◷ ', settled: '✓ ' };

function laneFor(ends: number[], from: number, until: number): number {
  const free = ends.findIndex((end) => end <= from);
  const lane = free >= 0 ? free : ends.length;
  ends[lane] = until;
  return lane;
}
