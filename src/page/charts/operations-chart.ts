import uPlot from 'uplot';
import type { PageBucket, RunPage, Violation } from '../../report/html/page-data.ts';
import { make } from '../dom.ts';
import { type Drawn, OPEN_US } from '../operations.ts';
import { OUTCOME_STYLES } from '../palette.ts';
import { tokensText } from '../text.ts';
import { colour } from '../theme.ts';
import { declaredText, isDeclared, violationsText } from '../violations.ts';
import { chartOptions, type Drawing, keep, rangeOf, SCALE_WIDTH, selectRange, timeScale } from './chart.ts';
import { drawShades, line } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';

const HEIGHT = 280;

/** Pixels: the largest height of a lane. */
const HIGHEST_LANE = 15;

/** The order of drawing: operations, then admissions, then violations. */
const LAYERS: readonly ((operation: Drawn) => boolean)[] = [
  ({ outcome, violation }) => violation === undefined && outcome !== 'allowed',
  ({ outcome, violation }) => violation === undefined && outcome === 'allowed',
  ({ violation }) => violation !== undefined,
];

const OUTCOME_WORDS = { allowed: 'allowed', denied: 'denied', failed: 'failed', info: 'no reply' };

const VIOLATION_WORDS = {
  'over-admission': 'tokens more than any ideal bucket held',
  'false-denial': 'tokens or more were available, and it was denied',
  replay: 'tokens off the expected level',
  window: 'tokens more than the promise allows',
};

/** The operations of a bucket as intervals, from invocation to reply. */
export function makeOperationsChart(
  page: RunPage,
  axis: TimeAxis,
  { bucket, operations }: { bucket: PageBucket; operations: readonly Drawn[] },
): Drawing {
  const label = `${operations.length} operations of bucket ${bucket.name} as intervals; ${violationsText(bucket.violations, page.declared)}`;
  const details = make('p', {
    class: 'operation-details',
    text: 'Point at an operation to see its details.',
  });
  const place = make('div', { class: 'plot', attributes: { role: 'img', 'aria-label': label } });
  const row = make('div', { class: 'chart' }, makeLegend(page, bucket, details), place);
  const plot = new uPlot(
    {
      ...chartOptions(HEIGHT),
      series: [{}, { show: false }],
      axes: [
        timeScale(),
        { size: SCALE_WIDTH, grid: { show: false }, ticks: { show: false }, values: () => [] },
      ],
      scales: { x: { time: false, range: () => rangeOf(axis) }, y: { range: () => [0, 1] } },
      hooks: {
        drawClear: [(chart) => drawShades(chart, page)],
        draw: [(chart) => drawOperations(chart, page, visible(operations, axis))],
        setSelect: [(chart) => selectRange(chart, axis)],
      },
    },
    [
      [axis.whole.min, axis.whole.max],
      [null, null],
    ],
    place,
  );
  plot.over.addEventListener('mousemove', ({ offsetX, offsetY }) => {
    const { shown, lanes } = visible(operations, axis);
    const atUs = plot.posToVal(offsetX, 'x') * 1e6;
    const lane = Math.floor(offsetY / laneHeight(plot.over.clientHeight, lanes, 1));
    const marginUs = ((axis.range.max - axis.range.min) * 2e6) / Math.max(1, plot.over.clientWidth);
    const isUnder = (one: Drawn) =>
      one.lane === lane && one.invokedUs - marginUs <= atUs && atUs <= endOf(one) + marginUs;
    const found = shown.find(isUnder);
    details.textContent = found === undefined ? ' ' : tell(page, found);
  });
  return { row, end: keep(plot, place, axis) };
}

function makeLegend({ declared }: RunPage, { violations }: PageBucket, details: HTMLElement): HTMLElement {
  const isAllowed = violations.map(({ kind }) => isDeclared(kind, declared));
  const frames = [
    ...(isAllowed.includes(true) ? [['declared', 'declared excess'] as const] : []),
    ...(isAllowed.includes(false) ? [['violation', 'violation'] as const] : []),
  ];
  return make(
    'div',
    { class: 'legend' },
    make('h3', {}, 'Operations', make('span', { class: 'unit', text: ' from request to reply' })),
    make(
      'ul',
      {},
      ...(['allowed', 'denied', 'failed', 'info'] as const).map((outcome) =>
        make(
          'li',
          {},
          make('span', { class: `swatch ${outcome}` }),
          make('span', { text: OUTCOME_WORDS[outcome] }),
        ),
      ),
      ...frames.map(([kind, text]) =>
        make('li', {}, make('span', { class: `swatch ${kind}` }), make('span', { text })),
      ),
    ),
    details,
  );
}

function tell(
  { declared }: RunPage,
  { index, outcome, region, costTokens, invokedUs, lastUs, violation }: Drawn,
): string {
  const until = Number.isFinite(lastUs) ? `${(lastUs / 1e6).toFixed(6)} s` : 'an unknown end';
  const wrong = violation === undefined ? '' : `: ${wrongText(violation)}`;
  const allowed =
    declared !== undefined && violation !== undefined && isDeclared(violation.kind, declared)
      ? ` (${declaredText(declared)})`
      : '';
  return `#${index} ${OUTCOME_WORDS[outcome]} in ${region}, cost ${costTokens}, ${(invokedUs / 1e6).toFixed(6)} s to ${until}${wrong}${allowed}`;
}

function wrongText(violation: Violation): string {
  return violation.kind === 'dishonest'
    ? `what it states cannot be true (${violation.reason})`
    : `${tokensText(violation.tokens)} ${VIOLATION_WORDS[violation.kind]}`;
}

function endOf({ invokedUs, lastUs }: Drawn): number {
  return Number.isFinite(lastUs) ? lastUs : invokedUs + OPEN_US;
}

/** The operations in the shown range, and the number of lanes for them. */
function visible(operations: readonly Drawn[], { range }: TimeAxis): { shown: Drawn[]; lanes: number } {
  const [fromUs, untilUs] = [1e6 * range.min, 1e6 * range.max];
  const shown: Drawn[] = [];
  let lanes = 1;
  for (const operation of operations) {
    if (operation.invokedUs > untilUs) break;
    if (endOf(operation) < fromUs) continue;
    shown.push(operation);
    lanes = Math.max(lanes, operation.lane + 1);
  }
  return { shown, lanes };
}

function laneHeight(height: number, lanes: number, px: number): number {
  return Math.min(HIGHEST_LANE * px, height / lanes);
}

/** Each outcome has its own shape as well as its colour: full, outlined, crossed, dashed. */
function drawOperations(
  chart: uPlot,
  { declared }: RunPage,
  { shown, lanes }: { shown: readonly Drawn[]; lanes: number },
): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const height = laneHeight(bbox.height, lanes, px);
  const bar = Math.max(1, height - Math.max(0.5, 0.25 * height));
  const [from, until] = [bbox.left, bbox.left + bbox.width];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const isIn of LAYERS) {
    for (const operation of shown) {
      if (!isIn(operation)) continue;
      const left = Math.max(from - 4 * px, chart.valToPos(operation.invokedUs / 1e6, 'x', true));
      const right = Math.min(until + 4 * px, chart.valToPos(endOf(operation) / 1e6, 'x', true));
      const y = bbox.top + operation.lane * height + (height - bar) / 2;
      const box = { x: left, y, width: Math.max(1.5 * px, right - left), height: bar };
      drawBar(ctx, operation.outcome, box);
      const kind = operation.violation?.kind;
      if (kind !== undefined) frame(ctx, isDeclared(kind, declared) ? 'declared' : 'wrong', box);
    }
  }
  ctx.restore();
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawBar(
  ctx: CanvasRenderingContext2D,
  outcome: Drawn['outcome'],
  { x, y, width, height }: Box,
): void {
  const px = devicePixelRatio;
  const name = OUTCOME_STYLES[outcome].colour;
  ctx.fillStyle = colour(name);
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = px;
  const isSmall = width < 4 * px || height < 4 * px;
  if (outcome === 'allowed' || isSmall) {
    const thin = outcome === 'allowed' ? height : Math.max(1, 0.5 * height);
    ctx.globalAlpha = outcome === 'allowed' ? 1 : 0.7;
    ctx.fillRect(x, y + (height - thin) / 2, width, thin);
    ctx.globalAlpha = 1;
    return;
  }
  ctx.setLineDash(outcome === 'info' ? [3 * px, 2 * px] : []);
  ctx.strokeRect(x + 0.5 * px, y + 0.5 * px, width - px, height - px);
  if (outcome === 'failed') line(ctx, x, y + height, x + width, y);
}

function frame(ctx: CanvasRenderingContext2D, name: string, { x, y, width, height }: Box): void {
  const px = devicePixelRatio;
  const isSmall = height < 4 * px;
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = isSmall ? px : 2 * px;
  ctx.setLineDash([]);
  const gap = isSmall ? 0 : px;
  ctx.strokeRect(x - gap, y - gap, width + 2 * gap, height + 2 * gap);
}
