import type { Proof, WindowFormula, WitnessRow } from '../report/html/page-data.ts';
import { make, makeSvg } from './dom.ts';
import { makeScroll } from './scroll.ts';
import { secondsText, tokensText } from './text.ts';
import { countText, declaredText, isDeclared } from './violations.ts';

const KINDS = {
  'over-admission': 'Over-admission',
  'false-denial': 'False denial',
  replay: 'Replay',
  window: 'Broken window',
  dishonest: 'Dishonest',
};

/** A proof to verify by hand: the broken inequality with its numbers, and the operations that break it. */
export function makeWitness(proof: Proof, declared?: number): HTMLElement {
  const { kind, sentence, formula, floor, witness, context } = proof;
  const allowed = isDeclared(kind, declared) ? declared : undefined;
  return make(
    'article',
    { class: allowed === undefined ? 'witness' : 'witness declared' },
    make('h4', { text: headingOf(proof, allowed) }),
    formula === undefined ? undefined : makeFormula(formula, allowed),
    floor === undefined
      ? undefined
      : makeInequality(
          'lowest possible level during the denial',
          'cost',
          `${tokensText(floor.lowest)} tokens`,
          '≥',
          `${tokensText(floor.cost)}, and it was denied`,
        ),
    make('p', { class: 'sentence', text: sentence }),
    witness.length === 0
      ? make('p', {
          class: 'quiet',
          text: 'This page has no room for its operations; openclaw-rl check --json prints them.',
        })
      : makeTimeline(witness, context),
  );
}

/** `Over-admission: the first of 13 over-admissions of this bucket (declared: up to 20 tokens)`. */
function headingOf({ kind, count }: Proof, allowed: number | undefined): string {
  const first = count > 1 ? `: the first of ${countText(kind, count)} of this bucket` : '';
  return `${KINDS[kind]}${first}${allowed === undefined ? '' : ` (${declaredText(allowed)})`}`;
}

/** admitted in [s, e] <= C + r (e - s): the formula, then its numbers, which break it. */
function makeFormula(formula: WindowFormula, allowed: number | undefined): HTMLElement {
  const { startUs, endUs, admitted, capacity, perSecond, slack, allowance } = formula;
  const length = (endUs - startUs) / 1e6;
  const clocks =
    slack === 0 ? '' : ` ${slack < 0 ? '−' : '+'} ${tokensText(Math.abs(slack))} for clock error`;
  return make(
    'div',
    { class: 'formula' },
    row(allowed === undefined ? 'must hold' : 'ideal bucket', 'admitted in [s, e]', '≤', 'C + r · (e − s)'),
    row(
      'here',
      `${tokensText(admitted)}`,
      '≤',
      `${tokensText(capacity)} + ${tokensText(perSecond)}/s · ${length.toFixed(6)} s${clocks} = ${tokensText(allowance)}`,
    ),
    make(
      'p',
      { class: allowed === undefined ? 'broken' : 'beyond' },
      make('strong', {
        text: `${allowed === undefined ? '✗ ' : ''}${tokensText(admitted)} > ${tokensText(allowance)}`,
      }),
      `: ${tokensText(admitted - allowance)} tokens ${allowed === undefined ? 'too many' : 'more, as declared,'} between s = ${secondsText(startUs, 6)} and e = ${secondsText(endUs, 6)}`,
    ),
  );
}

function makeInequality(left: string, right: string, ...numbers: [string, string, string]): HTMLElement {
  return make(
    'div',
    { class: 'formula' },
    row('denied only if', left, '<', right),
    row('here', numbers[0], numbers[1], numbers[2]),
  );
}

function row(name: string, left: string, sign: string, right: string): HTMLElement {
  return make(
    'div',
    { class: 'inequality' },
    make('span', { class: 'quiet', text: name }),
    make('span', { class: 'left', text: left }),
    make('span', { class: 'sign', text: sign }),
    make('span', { class: 'right', text: right }),
  );
}

const COLUMNS = [
  ['operation', 'number'],
  ['region', ''],
  ['outcome', ''],
  ['cost', 'number'],
  ['from s', 'number'],
  ['to s', 'number'],
  ['interval', ''],
  ['then', ''],
] as const;

const HEIGHT = 12;
const WIDTH = 900;

/** An operation of a proof or of its context; `takenUs`: the latest time at which it took its tokens. */
interface TimelineRow {
  readonly of: WitnessRow;
  readonly note: string;
  readonly takenUs?: number;
  readonly isContext: boolean;
}

/** One line for each operation of the proof, in the order of time, below its context. */
function makeTimeline(witness: readonly WitnessRow[], context: Proof['context']): HTMLElement {
  const steps = context?.steps ?? [];
  const rows: readonly TimelineRow[] = [
    ...steps.map(({ row: of, takenUs, after }) => ({
      ...{ of, takenUs, isContext: true },
      note: `leaves ${tokensText(after)}`,
    })),
    ...witness.map((of) => ({ of, note: of.reply ?? '', isContext: false })),
  ];
  const startUs = rows.reduce((least, { of }) => Math.min(least, of.fromUs), Number.POSITIVE_INFINITY);
  const endUs = rows.reduce((most, { of }) => Math.max(most, of.toUs ?? of.fromUs), startUs + 1);
  const before =
    steps.length === 0 ? '' : '; the earlier operations can have been spent before, each as late as possible';
  const proves = witness.length === 1 ? 'operation proves' : 'operations prove';
  const caption = `${witness.length} ${proves} it${before}. 0 s is ${secondsText(startUs, 6)} of the run.`;
  const head = COLUMNS.map(([text, kind]) => make('th', { text, class: kind, attributes: { scope: 'col' } }));
  const table = makeScroll(
    make(
      'table',
      { class: 'timeline' },
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...rows.map((row) => makeRow(row, { startUs, endUs }))),
    ),
    'Operations of the proof',
    'tall',
  );
  return make('div', {}, make('p', { class: 'caption', text: caption }), table);
}

interface Span {
  readonly startUs: number;
  readonly endUs: number;
}

function makeRow(row: TimelineRow, span: Span): HTMLElement {
  const { index, region, outcome, cost, fromUs, toUs } = row.of;
  const text = (us: number) => ((us - span.startUs) / 1e6).toFixed(6);
  return make(
    'tr',
    { class: row.isContext ? 'context' : '' },
    make('td', { class: 'number', text: `#${index}` }),
    make('td', { text: region }),
    make('td', { text: outcome === 'info' ? 'no reply' : outcome }),
    make('td', { class: 'number', text: String(cost) }),
    make('td', { class: 'number', text: text(fromUs) }),
    make('td', { class: 'number', text: toUs === null ? 'open' : text(toUs) }),
    make('td', { class: 'drawing' }, drawInterval(row, span)),
    make('td', { class: 'note', text: row.note }),
  );
}

function drawInterval({ of, takenUs, isContext }: TimelineRow, { startUs, endUs }: Span): SVGElement {
  const place = (us: number) => (WIDTH * (us - startUs)) / (endUs - startUs);
  const left = place(of.fromUs);
  const right = of.toUs === null ? WIDTH : place(of.toUs);
  const interval = makeSvg('rect', {
    ...{ x: left, y: 2, width: Math.max(2, right - left), height: HEIGHT - 4 },
    class: `interval ${of.outcome}${isContext ? ' context' : ''}`,
  });
  const taken =
    takenUs === undefined
      ? []
      : [makeSvg('line', { x1: place(takenUs), x2: place(takenUs), y1: 0, y2: HEIGHT, class: 'taken' })];
  return makeSvg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'bar', 'aria-hidden': 'true' },
    interval,
    ...taken,
  );
}
