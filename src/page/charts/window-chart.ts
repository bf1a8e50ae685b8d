import uPlot from 'uplot';
import { type WindowCounts, windowCounts } from '../../checker/windows/window-counts.ts';
import type { PageBucket, PageSpan, RunPage } from '../../report/html/page-data.ts';
import { make } from '../dom.ts';
import type { Drawn } from '../operations.ts';
import type { LineStyle } from '../palette.ts';
import { numberText, tokensText } from '../text.ts';
import { colour } from '../theme.ts';
import { violationsText } from '../violations.ts';
import { chartOptions, type Drawing, keep, rangeOf, selectRange, timeScale, valueScale } from './chart.ts';
import { legendItem, makeLegendBox } from './legend.ts';
import { drawShades, line } from './shades.ts';
import { drawSigns, legendOfSigns } from './signs.ts';
import type { TimeAxis } from './time-axis.ts';

const COUNT: LineStyle = { colour: 'highest', dash: [] };

/** Of the limits, in their order. */
const LIMITS: readonly LineStyle[] = [
  { colour: 'capacity', dash: [2, 3] },
  { colour: 'capacity', dash: [8, 3] },
];

/** The tokens admitted in the span of each moment, with the limits of the promise and the violations. */
export function makeWindowChart(
  page: RunPage,
  axis: TimeAxis,
  { bucket, operations, span }: { bucket: PageBucket; operations: readonly Drawn[]; span: PageSpan },
): Drawing {
  const counts = windowCounts(operations, span.counted, 1e6 * axis.whole.max);
  const most = counts.tokens.reduce((peak, tokens) => Math.max(peak, tokens), 0);
  const top = span.limits.reduce((highest, { tokens }) => Math.max(highest, tokens), most);
  const value = make('span', { class: 'value' });
  const place = make('div', {
    class: 'plot',
    attributes: { role: 'img', 'aria-label': describe(page, bucket, { span, most }) },
  });
  const plot = new uPlot(
    {
      ...chartOptions(220),
      series: [
        {},
        {
          label: 'admitted',
          stroke: () => colour(COUNT.colour),
          width: 1.5,
          points: { show: false },
          ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
        },
      ],
      axes: [timeScale(), valueScale()],
      scales: {
        x: { time: false, range: () => rangeOf(axis) },
        y: { range: () => [0, 1.14 * top] },
      },
      hooks: {
        drawClear: [(chart) => drawShades(chart, page)],
        draw: [
          (chart) => drawLimits(chart, span),
          (chart) =>
            drawSigns(chart, page, {
              operations,
              heightOf: (kind, atUs) => (kind === 'window' ? countAt(counts, atUs) : 1.07 * top),
            }),
        ],
        setSelect: [(chart) => selectRange(chart, axis)],
        setCursor: [
          (chart) => {
            const { idx, left = -1 } = chart.cursor;
            const isOut = idx === null || idx === undefined || left < 0;
            value.textContent = isOut ? '' : tokensText(countAt(counts, 1e6 * chart.posToVal(left, 'x')));
          },
        ],
      },
    },
    [counts.timesUs.map((us) => us / 1e6), [...counts.tokens]],
    place,
  );
  const legend = makeLegendBox(
    { heading: 'Admitted', unit: `tokens ${lengthText(span)}` },
    legendItem(COUNT, 'admitted', value),
    ...span.limits.map(({ name, tokens }, at) =>
      legendItem(limitStyle(at), name, make('span', { class: 'value', text: numberText(tokens) })),
    ),
    ...legendOfSigns(page, bucket.violations),
  );
  return { row: make('div', { class: 'chart' }, legend, place), end: keep(plot, place, axis) };
}

function limitStyle(at: number): LineStyle {
  return LIMITS[at % LIMITS.length] ?? COUNT;
}

function lengthText({ counted }: PageSpan): string {
  return 'lengthUs' in counted
    ? `in ${tokensText(counted.lengthUs / 1e6)} s`
    : `in a window of ${tokensText(counted.windowUs / 1e6)} s`;
}

/** The count since the last step, found by halving. */
function countAt({ timesUs, tokens }: WindowCounts, atUs: number): number {
  let [from, to] = [0, timesUs.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((timesUs[middle] as number) <= atUs) from = middle + 1;
    else to = middle;
  }
  return tokens[from - 1] ?? 0;
}

function drawLimits(chart: uPlot, { limits }: PageSpan): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * px;
  for (const [at, { tokens }] of limits.entries()) {
    const { colour: name, dash } = limitStyle(at);
    const y = Math.round(chart.valToPos(tokens, 'y', true)) + 0.5;
    ctx.setLineDash(dash.map((length) => length * px));
    ctx.strokeStyle = colour(name);
    line(ctx, bbox.left, y, bbox.left + bbox.width, y);
  }
  ctx.restore();
}

function describe(
  { declared }: RunPage,
  { name, violations }: PageBucket,
  { span, most }: { span: PageSpan; most: number },
): string {
  const limits = span.limits.map((limit) => `${limit.name} ${numberText(limit.tokens)}`).join(', ');
  return `Tokens of bucket ${name} admitted ${lengthText(span)} over time: at most ${tokensText(most)}; ${limits}; ${violationsText(violations, declared)}`;
}
