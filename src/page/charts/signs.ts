import type uPlot from 'uplot';
import type { RunPage, Violation } from '../../report/html/page-data.ts';
import { make } from '../dom.ts';
import type { Drawn } from '../operations.ts';
import { colour } from '../theme.ts';
import { isDeclared } from '../violations.ts';

interface Sign {
  readonly sign: string;
  readonly colour: string;
  readonly name: string;
}

const SIGNS: Readonly<Record<Violation['kind'], Sign>> = {
  'over-admission': { sign: '▼', colour: 'wrong', name: 'admitted too much' },
  window: { sign: '▼', colour: 'wrong', name: 'broken window' },
  'false-denial': { sign: '◆', colour: 'denied', name: 'denied falsely' },
  replay: { sign: '●', colour: 'info', name: 'replay mismatch' },
  dishonest: { sign: '■', colour: 'wrong', name: 'stated a wrong value' },
};
const DECLARED: Sign = { sign: '▽', colour: 'declared', name: 'beyond an ideal bucket, declared' };

function signOf(kind: Violation['kind'], { declared }: RunPage): Sign {
  return isDeclared(kind, declared) ? DECLARED : SIGNS[kind];
}

/** The signs of these violations in a legend, each once. */
export function legendOfSigns(page: RunPage, violations: readonly Violation[]): HTMLElement[] {
  const kinds = [...new Set(violations.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const { sign, name } = signOf(kind, page);
    const style = isDeclared(kind, page.declared) ? 'declared' : kind;
    return make('li', {}, make('span', { class: `sign ${style}`, text: sign }), make('span', { text: name }));
  });
}

/** When an operation counts: at its end, or at its start if its end is unknown. Microseconds. */
function momentOf({ lastUs, invokedUs }: Drawn): number {
  return Number.isFinite(lastUs) ? lastUs : invokedUs;
}

/** A sign for each violation, at the height that `heightOf` gives it. Signs that would overlap are drawn as one. */
export function drawSigns(
  chart: uPlot,
  page: RunPage,
  {
    operations,
    heightOf,
  }: {
    readonly operations: readonly Drawn[];
    readonly heightOf: (kind: Violation['kind'], atUs: number) => number;
  },
): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const lastX = new Map<string, number>();
  ctx.save();
  ctx.font = `${12 * px}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const operation of operations) {
    if (operation.violation === undefined) continue;
    const { kind } = operation.violation;
    const { sign, colour: name } = signOf(kind, page);
    const atUs = momentOf(operation);
    const x = chart.valToPos(atUs / 1e6, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    if (Math.abs(x - (lastX.get(sign) ?? Number.NEGATIVE_INFINITY)) < 3 * px) continue;
    lastX.set(sign, x);
    ctx.fillStyle = colour(name);
    ctx.fillText(sign, x, chart.valToPos(heightOf(kind, atUs), 'y', true));
  }
  ctx.restore();
}
