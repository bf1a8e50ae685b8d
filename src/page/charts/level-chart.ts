import uPlot from 'uplot';
import { type LevelBand, levelBand } from '../../checker/proofs/level-band.ts';
import type { PageBucket, RunPage } from '../../report/html/page-data.ts';
import { make } from '../dom.ts';
import type { Drawn } from '../operations.ts';
import { numberText, tokensText } from '../text.ts';
import { colour } from '../theme.ts';
import { violationsText } from '../violations.ts';
import { chartOptions, type Drawing, keep, rangeOf, selectRange, timeScale, valueScale } from './chart.ts';
import { legendItem, makeLegendBox } from './legend.ts';
import { drawShades, line } from './shades.ts';
import { drawSigns, legendOfSigns } from './signs.ts';
import type { TimeAxis } from './time-axis.ts';

const STYLES = {
  highest: { colour: 'highest', dash: [] },
  lowest: { colour: 'lowest', dash: [6, 3] },
  capacity: { colour: 'capacity', dash: [2, 3] },
} as const;

/** Below zero, or above the capacity: parts of it. */
const SIGN_BELOW = -0.05;
const SIGN_ABOVE = 1.07;

/** The highest and lowest possible level of an ideal bucket, with its capacity and the violations. */
export function makeLevelChart(
  page: RunPage,
  axis: TimeAxis,
  { bucket, operations }: { bucket: PageBucket; operations: readonly Drawn[] },
): Drawing {
  const capacity = page.policies[bucket.policy]?.capacityTokens ?? 0;
  const band = computeBand(page, axis, { bucket, operations });
  const deepest = band.highest.reduce(
    (least, level, at) => (level < (band.highest[least] ?? 0) ? at : least),
    0,
  );
  const least = Math.min(0, band.highest[deepest] ?? 0);
  const cells = {
    highest: make('span', { class: 'value' }),
    lowest: make('span', { class: 'value' }),
    capacity: make('span', { class: 'value', text: numberText(capacity) }),
  };
  const place = make('div', {
    class: 'plot',
    attributes: { role: 'img', 'aria-label': describe(page, bucket, least) },
  });
  const plot = new uPlot(
    {
      ...chartOptions(220),
      series: [{}, lineOf('highest'), lineOf('lowest')],
      bands: [{ series: [1, 2], fill: () => colour('band') }],
      axes: [timeScale(), valueScale()],
      scales: {
        x: { time: false, range: () => rangeOf(axis) },
        y: { range: () => [Math.min(-0.1 * capacity, 1.25 * least), 1.14 * capacity] },
      },
      hooks: {
        drawClear: [(chart) => drawShades(chart, page)],
        draw: [
          (chart) =>
            drawLimits(chart, page, { capacity, least, leastAt: (band.timesUs[deepest] ?? 0) / 1e6 }),
          (chart) =>
            drawSigns(chart, page, {
              operations,
              heightOf: (kind) => capacity * (kind === 'over-admission' ? SIGN_BELOW : SIGN_ABOVE),
            }),
        ],
        setSelect: [(chart) => selectRange(chart, axis)],
        setCursor: [
          ({ cursor: { idx } }) => {
            for (const key of ['highest', 'lowest'] as const) {
              const level = idx === null || idx === undefined ? undefined : band[key][idx];
              cells[key].textContent = level === undefined ? '' : tokensText(level);
            }
          },
        ],
      },
    },
    [band.timesUs.map((us) => us / 1e6), [...band.highest], [...band.lowest]],
    place,
  );
  const row = make('div', { class: 'chart' }, makeLegend(page, cells, bucket), place);
  return { row, end: keep(plot, place, axis) };
}

function computeBand(
  { policies, clock, known }: RunPage,
  axis: TimeAxis,
  { bucket, operations }: { bucket: PageBucket; operations: readonly Drawn[] },
): LevelBand {
  const policy = policies[bucket.policy];
  if (policy === undefined) return { timesUs: [], highest: [], lowest: [] };
  const isCut = bucket.of !== undefined;
  const knownFromUs = (isCut ? operations[0]?.invokedUs : known.knownFromUs) ?? 0;
  const initial = isCut ? 'unknown' : known.initial;
  const refunds = bucket.refunds.map((refund) => ({
    ...refund,
    lastUs: refund.lastUs ?? Number.POSITIVE_INFINITY,
  }));
  const covered = { initial, knownFromUs, judgedUntilUs: Number.POSITIVE_INFINITY } as const;
  return levelBand(
    operations,
    { policy, clock, known: covered, refunds, fades: bucket.fades },
    1e6 * axis.whole.max,
  );
}

function describe({ declared }: RunPage, { name, violations }: PageBucket, least: number): string {
  const under = least < 0 ? `; the highest possible falls to ${tokensText(least)} tokens` : '';
  return `Highest and lowest possible level of an ideal bucket ${name} over time${under}; ${violationsText(violations, declared)}`;
}

function makeLegend(
  page: RunPage,
  cells: Readonly<Record<keyof typeof STYLES, HTMLElement>>,
  { violations }: PageBucket,
) {
  const item = (name: string, key: keyof typeof STYLES) => legendItem(STYLES[key], name, cells[key]);
  return makeLegendBox(
    { heading: 'Level', unit: 'tokens' },
    item('capacity', 'capacity'),
    item('highest possible', 'highest'),
    item('lowest possible', 'lowest'),
    ...legendOfSigns(page, violations),
  );
}

function lineOf(key: 'highest' | 'lowest'): uPlot.Series {
  return {
    label: key,
    stroke: () => colour(STYLES[key].colour),
    width: 1.5,
    dash: [...STYLES[key].dash],
    points: { show: false },
  };
}

/** The capacity, zero (no ideal bucket is below it), and the lowest point of the highest possible level. */
function drawLimits(
  chart: uPlot,
  { declared }: RunPage,
  { capacity, least, leastAt }: { capacity: number; least: number; leastAt: number },
): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const at = (level: number) => Math.round(chart.valToPos(level, 'y', true)) + 0.5;
  ctx.save();
  ctx.lineWidth = 1.5 * px;
  ctx.setLineDash([2 * px, 3 * px]);
  ctx.strokeStyle = colour('capacity');
  line(ctx, bbox.left, at(capacity), bbox.left + bbox.width, at(capacity));
  if (least < 0) {
    ctx.setLineDash([]);
    const name = colour(declared === undefined ? 'wrong' : 'declared');
    ctx.strokeStyle = name;
    line(ctx, bbox.left, at(0), bbox.left + bbox.width, at(0));
    const x = chart.valToPos(leastAt, 'x', true);
    ctx.fillStyle = name;
    ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    ctx.textAlign = x > bbox.left + 0.8 * bbox.width ? 'right' : 'left';
    if (x >= bbox.left && x <= bbox.left + bbox.width)
      ctx.fillText(
        `${tokensText(least)}: the worst window${declared === undefined ? '' : ', declared'}`,
        x,
        at(least) + 2 * px,
      );
  }
  ctx.restore();
}
