import type uPlot from 'uplot';
import type { Mark, Span } from '../../report/html/page-data.ts';
import { colour } from '../theme.ts';

/** Faults and events in the background of every chart. */
export interface Happenings {
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
}

/** Shades faults, with hatching for readers without colours, and draws a line for each takeover. */
export function drawShades(chart: uPlot, { spans, marks }: Happenings): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { fromUs, untilUs } of spans) {
    const left = chart.valToPos(fromUs / 1e6, 'x', true);
    const right = untilUs === null ? bbox.left + bbox.width : chart.valToPos(untilUs / 1e6, 'x', true);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    const [from, to] = [Math.max(left, bbox.left), Math.min(right, bbox.left + bbox.width)];
    ctx.fillStyle = colour('fault-fill');
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    hatch(ctx, { left: from, top: bbox.top, width: to - from, height: bbox.height });
    edges(ctx, [left, right], bbox);
  }
  for (const mark of marks) {
    if (mark.kind !== 'failover') continue;
    const x = Math.round(chart.valToPos(mark.atUs / 1e6, 'x', true)) + 0.5;
    ctx.strokeStyle = colour('failover');
    ctx.lineWidth = devicePixelRatio * 1.5;
    ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
    line(ctx, x, bbox.top, x, bbox.top + bbox.height);
  }
  ctx.restore();
}

export function line(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Slanted lines through a box, at positions independent of the box's start. */
export function hatch(ctx: CanvasRenderingContext2D, { left, top, width, height }: Box): void {
  if (width <= 0) return;
  const step = 9 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = colour('fault-hatch');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  const first = Math.floor((left - height) / step) * step;
  for (let x = first; x < left + width; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

function edges(ctx: CanvasRenderingContext2D, xs: readonly number[], bbox: Box): void {
  ctx.strokeStyle = colour('fault');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([]);
  for (const x of xs) line(ctx, Math.round(x) + 0.5, bbox.top, Math.round(x) + 0.5, bbox.top + bbox.height);
}
