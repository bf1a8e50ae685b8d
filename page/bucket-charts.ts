import uPlot from 'uplot';
import { levelBand } from '../src/checker/level-band.ts';
import type { PageBucket, RunPage } from '../src/report/html/page-data.ts';
import { chartOptions, keep, rangeOf, SCALE_WIDTH, selectRange, timeScale, valueScale } from './chart.ts';
import { make } from './dom.ts';
import { type Drawn, OPEN_US, operationsOf } from './operations.ts';
import { OUTCOME_STYLES, sample } from './palette.ts';
import { drawShades, line } from './shades.ts';
import { numberText, tokensText } from './text.ts';
import { colour } from './theme.ts';
import type { TimeAxis } from './time-axis.ts';

/** The levels and the operations of one bucket, on the axis of the run. */
export class BucketCharts {
  readonly element = make('div', { class: 'charts bucket-charts' });
  readonly #page: RunPage;
  readonly #axis: TimeAxis;
  #plots: uPlot[] = [];

  constructor(page: RunPage, axis: TimeAxis) {
    this.#page = page;
    this.#axis = axis;
  }

  show(bucket: PageBucket): void {
    for (const plot of this.#plots) {
      this.#axis.remove(plot);
      plot.destroy();
    }
    this.element.replaceChildren();
    const operations = operationsOf(bucket, this.#page.regions);
    const level = this.#makeLevel(bucket, operations);
    const lanes = this.#makeLanes(bucket, operations);
    this.#plots = [level.plot, lanes.plot];
    this.element.append(level.row, lanes.row);
    for (const plot of this.#plots) {
      const width = plot.root.parentElement?.clientWidth ?? 0;
      if (width > 0) plot.setSize({ width, height: plot.height });
    }
  }

  #makeLevel(bucket: PageBucket, operations: readonly Drawn[]): { row: HTMLElement; plot: uPlot } {
    const page = this.#page;
    const axis = this.#axis;
    const policy = page.policies[bucket.policy];
    if (policy === undefined) throw new Error('a bucket without its policy');
    const { capacityTokens } = policy;
    const isCut = bucket.of !== undefined;
    const knownFromUs = isCut ? (operations[0]?.invokedUs ?? 0) : (page.known.knownFromUs ?? 0);
    const band = levelBand(
      operations,
      {
        policy,
        clock: page.clock,
        known: {
          initial: isCut ? 'unknown' : page.known.initial,
          knownFromUs,
          judgedUntilUs: Number.POSITIVE_INFINITY,
        },
        refunds: bucket.refunds,
      },
      axis.whole.max * 1e6,
    );
    const times = band.timesUs.map((us) => us / 1e6);
    const deepest = band.highest.reduce((least, level) => Math.min(least, level), 0);
    const value = (name: string, key: 'highest' | 'lowest' | 'capacity') =>
      make('li', {}, sample(STYLES[key]), make('span', { class: 'name', text: name }), cells[key]);
    const cells = {
      highest: make('span', { class: 'value' }),
      lowest: make('span', { class: 'value' }),
      capacity: make('span', { class: 'value', text: numberText(capacityTokens) }),
    };
    const place = make('div', {
      class: 'plot',
      attributes: {
        role: 'img',
        'aria-label': `Between which levels an ideal bucket can have been; the highest possible is at least ${tokensText(deepest)} tokens`,
      },
    });
    const row = make(
      'div',
      { class: 'chart' },
      make(
        'div',
        { class: 'legend' },
        make('h3', {}, 'Level', make('span', { class: 'unit', text: ' tokens an ideal bucket can hold' })),
        make(
          'ul',
          {},
          value('capacity', 'capacity'),
          value('highest possible', 'highest'),
          value('lowest possible', 'lowest'),
          make(
            'li',
            { class: 'key' },
            make('span', { class: 'dagger over', text: '▼' }),
            'admitted too much',
          ),
          make('li', { class: 'key' }, make('span', { class: 'dagger false', text: '◆' }), 'denied falsely'),
        ),
      ),
      place,
    );
    const plot = new uPlot(
      {
        ...chartOptions(axis, 220),
        series: [{}, { ...lineOf('highest'), label: 'highest' }, { ...lineOf('lowest'), label: 'lowest' }],
        bands: [{ series: [1, 2], fill: () => colour('band') }],
        axes: [timeScale(), valueScale()],
        scales: {
          x: { time: false, range: () => rangeOf(axis) },
          y: { range: () => [Math.min(-0.08 * capacityTokens, 1.15 * deepest), 1.12 * capacityTokens] },
        },
        hooks: {
          drawClear: [(chart) => drawShades(chart, page)],
          draw: [
            (chart) => drawLimits(chart, capacityTokens, deepest),
            (chart) => drawViolations(chart, operations, capacityTokens),
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
      [times, [...band.highest], [...band.lowest]],
      place,
    );
    keep(plot, place, axis);
    return { row, plot };
  }

  #makeLanes(bucket: PageBucket, operations: readonly Drawn[]): { row: HTMLElement; plot: uPlot } {
    const page = this.#page;
    const axis = this.#axis;
    const lanes = operations.reduce((most, { lane }) => Math.max(most, lane + 1), 1);
    const laneHeight = Math.max(2, Math.min(14, Math.floor(260 / lanes)));
    const told = make('p', { class: 'told', text: 'Point at an operation to read it.' });
    const place = make('div', {
      class: 'plot',
      attributes: {
        role: 'img',
        'aria-label': `${operations.length} operations of bucket ${bucket.name} as intervals, ${bucket.violations.length} of them violations`,
      },
    });
    const row = make(
      'div',
      { class: 'chart' },
      make(
        'div',
        { class: 'legend' },
        make('h3', {}, 'Operations', make('span', { class: 'unit', text: ' from invocation to reply' })),
        make(
          'ul',
          { class: 'outcomes' },
          ...(['allowed', 'denied', 'failed', 'info'] as const).map((outcome) =>
            make('li', {}, make('span', { class: `swatch ${outcome}` }), OUTCOME_WORDS[outcome]),
          ),
        ),
        told,
      ),
      place,
    );
    const plot = new uPlot(
      {
        ...chartOptions(axis, lanes * laneHeight + 34),
        series: [{}, { show: false }],
        axes: [
          timeScale(),
          { size: SCALE_WIDTH, grid: { show: false }, ticks: { show: false }, values: () => [] },
        ],
        scales: { x: { time: false, range: () => rangeOf(axis) }, y: { range: () => [0, lanes] } },
        hooks: {
          drawClear: [(chart) => drawShades(chart, page)],
          draw: [(chart) => drawOperations(chart, operations, lanes)],
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
      const atUs = plot.posToVal(offsetX, 'x') * 1e6;
      const lane = Math.floor((offsetY / plot.over.clientHeight) * lanes);
      const marginUs = ((axis.range.max - axis.range.min) * 2e6) / Math.max(1, plot.over.clientWidth);
      const found = operations.find(
        (operation) =>
          operation.lane === lane &&
          operation.invokedUs - marginUs <= atUs &&
          atUs <= endOf(operation) + marginUs,
      );
      told.textContent = found === undefined ? ' ' : tell(found);
    });
    keep(plot, place, axis);
    return { row, plot };
  }
}

const STYLES = {
  highest: { colour: 'highest', dash: [] },
  lowest: { colour: 'lowest', dash: [6, 3] },
  capacity: { colour: 'capacity', dash: [2, 3] },
} as const;

const OUTCOME_WORDS = { allowed: 'allowed', denied: 'denied', failed: 'failed', info: 'no reply' };

const VIOLATION_WORDS = {
  'over-admission': 'tokens more than any ideal bucket held',
  'false-denial': 'tokens were in the bucket at least, and it was denied',
  replay: 'tokens other than the math gives',
  window: 'more than its window allows',
};

function tell({ index, outcome, region, costTokens, invokedUs, lastUs, violation }: Drawn): string {
  const until = Number.isFinite(lastUs) ? `${(lastUs / 1e6).toFixed(6)} s` : 'an end that nobody knows';
  const wrong =
    violation === undefined ? '' : `: ${tokensText(violation.tokens)} ${VIOLATION_WORDS[violation.kind]}`;
  return `#${index} ${OUTCOME_WORDS[outcome]} in ${region}, cost ${costTokens}, from ${(invokedUs / 1e6).toFixed(6)} s to ${until}${wrong}`;
}

function lineOf(key: keyof typeof STYLES): uPlot.Series {
  return {
    stroke: () => colour(STYLES[key].colour),
    width: 1.5,
    dash: [...STYLES[key].dash],
    points: { show: false },
  };
}

function endOf({ invokedUs, lastUs }: Drawn): number {
  return Number.isFinite(lastUs) ? lastUs : invokedUs + OPEN_US;
}

/** The capacity, and the zero below which no ideal bucket can be. */
function drawLimits(chart: uPlot, capacity: number, deepest: number): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const at = (level: number) => Math.round(chart.valToPos(level, 'y', true)) + 0.5;
  ctx.save();
  ctx.lineWidth = 1.5 * px;
  ctx.setLineDash([2 * px, 3 * px]);
  ctx.strokeStyle = colour('capacity');
  line(ctx, bbox.left, at(capacity), bbox.left + bbox.width, at(capacity));
  if (deepest < 0) {
    ctx.setLineDash([]);
    ctx.strokeStyle = colour('wrong');
    line(ctx, bbox.left, at(0), bbox.left + bbox.width, at(0));
  }
  ctx.restore();
}

/** What was too much below the axis, what was denied falsely above: two shapes, at two places. */
function drawViolations(chart: uPlot, operations: readonly Drawn[], capacity: number): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * px}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  let lastX = { over: Number.NEGATIVE_INFINITY, other: Number.NEGATIVE_INFINITY };
  for (const { violation, lastUs, invokedUs } of operations) {
    if (violation === undefined) continue;
    const isOver = violation.kind === 'over-admission' || violation.kind === 'window';
    const x = chart.valToPos((Number.isFinite(lastUs) ? lastUs : invokedUs) / 1e6, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    if (Math.abs(x - lastX[isOver ? 'over' : 'other']) < 3 * px) continue;
    lastX = { ...lastX, [isOver ? 'over' : 'other']: x };
    ctx.fillStyle = colour(isOver ? 'wrong' : 'denied');
    const y = chart.valToPos(isOver ? -0.04 * capacity : 1.06 * capacity, 'y', true);
    ctx.fillText(isOver ? '▼' : '◆', x, y);
  }
  ctx.restore();
}

/** Each outcome has its own shape as well as its colour: full, outlined, crossed, open at its end. */
function drawOperations(chart: uPlot, operations: readonly Drawn[], lanes: number): void {
  const { ctx, bbox } = chart;
  const px = devicePixelRatio;
  const height = bbox.height / lanes;
  const bar = Math.max(1, height - Math.max(1, 0.25 * height));
  const [from, until] = [bbox.left, bbox.left + bbox.width];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = px;
  for (const operation of operations) {
    const { outcome, lane, invokedUs, violation } = operation;
    const left = chart.valToPos(invokedUs / 1e6, 'x', true);
    if (left > until) break;
    const right = chart.valToPos(endOf(operation) / 1e6, 'x', true);
    if (right < from) continue;
    const x = Math.max(left, from - 4 * px);
    const width = Math.max(1.5 * px, Math.min(right, until + 4 * px) - x);
    const y = bbox.top + lane * height + (height - bar) / 2;
    drawBar(ctx, OUTCOME_STYLES[outcome].colour, outcome, { x, y, width, height: bar });
    if (violation === undefined) continue;
    ctx.strokeStyle = colour('wrong');
    ctx.lineWidth = 2 * px;
    ctx.setLineDash([]);
    ctx.strokeRect(x - px, y - px, width + 2 * px, bar + 2 * px);
    ctx.lineWidth = px;
  }
  ctx.restore();
}

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawBar(
  ctx: CanvasRenderingContext2D,
  name: string,
  outcome: Drawn['outcome'],
  { x, y, width, height }: Bar,
): void {
  ctx.fillStyle = colour(name);
  ctx.strokeStyle = colour(name);
  if (outcome === 'allowed') {
    ctx.fillRect(x, y, width, height);
    return;
  }
  ctx.setLineDash(outcome === 'info' ? [3 * devicePixelRatio, 2 * devicePixelRatio] : []);
  if (width < 4 || height < 4) {
    ctx.fillRect(x, y + height / 2, width, Math.max(1, devicePixelRatio));
    return;
  }
  ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  if (outcome === 'failed') line(ctx, x, y + height, x + width, y);
}
