import type { Proof, WindowFormula, WitnessRow } from '../report/html/page-data.ts';
import { make, makeSvg } from './dom.ts';
import { secondsText, tokensText } from './text.ts';

const KINDS = {
  'over-admission': 'Over-admission',
  'false-denial': 'False denial',
  replay: 'Replay',
  window: 'Broken promise',
};

/** A proof to verify by hand: the broken inequality with its numbers, and the operations that break it. */
export function makeWitness(proof: Proof): HTMLElement {
  const { kind, count, sentence, formula, floor, witness, context } = proof;
  return make(
    'article',
    { class: 'witness' },
    make('h4', { text: `${KINDS[kind]}${count > 1 ? `, the first of ${count}` : ''}` }),
    formula === undefined ? undefined : makeFormula(formula),
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

/** admitted in [s, e] <= C + r (e - s): the formula, then its numbers, which break it. */
function makeFormula(formula: WindowFormula): HTMLElement {
  const { startUs, endUs, admitted, capacity, perSecond, slack, allowance } = formula;
  const length = (endUs - startUs) / 1e6;
  const clocks =
    slack === 0 ? '' : ` ${slack < 0 ? '−' : '+'} ${tokensText(Math.abs(slack))} for clock error`;
  return make(
    'div',
    { class: 'formula' },
    row('must hold', 'admitted in [s, e]', '≤', 'C + r · (e − s)'),
    row(
      'here',
      `${tokensText(admitted)}`,
      '≤',
      `${tokensText(capacity)} + ${tokensText(perSecond)}/s · ${length.toFixed(6)} s${clocks} = ${tokensText(allowance)}`,
    ),
    make(
      'p',
      { class: 'broken' },
      make('strong', { text: `✗ ${tokensText(admitted)} > ${tokensText(allowance)}` }),
      `: ${tokensText(admitted - allowance)} tokens too many between s = ${secondsText(startUs, 6)} and e = ${secondsText(endUs, 6)}`,
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
  return make(
    'div',
    {
      class: 'scroll tall',
      attributes: { tabindex: 0, role: 'group', 'aria-label': 'Operations of the proof' },
    },
    make(
      'table',
      { class: 'timeline' },
      make('caption', { text: caption }),
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...rows.map((row) => makeRow(row, { startUs, endUs }))),
    ),
  );
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
