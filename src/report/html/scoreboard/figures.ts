import { formatPercent } from '../../../checker/claims/claim-limit.ts';
import { count } from '../../../core/units.ts';
import type { CellExcess, CellFigures, ScoreboardCell, Share } from '../../scoreboard/scoreboard.ts';
import { msText } from '../../text.ts';

/** A whole number with separated thousands. */
export function wholeText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

/** With three digits, or all before the point: 0.135, 12.5, 1,204. */
function threeDigits(value: number): string {
  return value >= 100 ? wholeText(value) : String(Number(value.toPrecision(3)));
}

/** `1 token`, `12.5 tokens`. */
function amountText(value: number, noun: string): string {
  return `${threeDigits(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** What a cell of the table says of the worst user: `+12.5`, `+3 of 20`, `0`; `2 denials` where those alone are wrong. */
export function worstText({ excess: { tokens, declared }, falseDenials }: CellFigures): string {
  const denied = falseDenials?.total ?? 0;
  if (tokens === 0 && denied > 0) return `${wholeText(denied)} ${denied === 1 ? 'denial' : 'denials'}`;
  const measured = tokens > 0 ? `+${threeDigits(tokens)}` : '0';
  return declared === null || (declared === 0 && tokens === 0)
    ? measured
    : `${measured} of ${threeDigits(declared)}`;
}

/** A share of 1 is shown as 100% only if it is that. */
export function shareText(share: number): string {
  return formatPercent(share, 1);
}

/** What a run shows, in one sentence or two. */
export function cellSentence(cell: ScoreboardCell, isOurs: boolean): string {
  const { status, reason, figures } = cell;
  if (status === 'not-run') return `Not run: ${reason}.`.replace(/\.\.$/, '.');
  if (status === 'unknown') return `Too little evidence: ${reason}.`.replace(/\.\.$/, '.');
  if (status === 'kept') return keptSentence(figures);
  const proved = figures === null ? NOTHING_COUNTED : provedSentence(figures);
  if (status === 'broken')
    return `${proved} ${isOurs ? 'That is more than the strategy declares.' : 'The promise is for this scenario.'}`;
  return isOurs
    ? `${proved} The strategy declares no bound for this scenario.`
    : `${proved} The limiter promises nothing for this scenario, so this is measured and not held against it.`;
}

const NOTHING_COUNTED = 'The run has a proof against its promise.';

/** A strategy of openclaw-rl is judged by a bound of what it admits, and so may be kept with false denials. */
function keptSentence(figures: CellFigures | null): string {
  const { tokens = 0, declared = null } = figures?.excess ?? {};
  const denied = figures?.falseDenials?.total ?? 0;
  const admitted =
    tokens > 0 && declared !== null
      ? `It admitted ${amountText(tokens, 'token')} more than an ideal limiter, within the ${threeDigits(declared)} that it declares.`
      : denied > 0
        ? 'It admitted no more than an ideal limiter.'
        : 'The run found nothing against its promise.';
  return denied > 0 ? `${admitted} ${deniedSentence(denied)} Its bound is not about denials.` : admitted;
}

function deniedSentence(denied: number): string {
  return `It denied ${amountText(denied, 'request')} that the limit had room for.`;
}

function provedSentence({ excess, falseDenials }: CellFigures): string {
  const denied = falseDenials?.total ?? 0;
  const parts = [
    ...(excess.tokens > 0 ? [excessSentence(excess)] : []),
    ...(denied > 0 ? [deniedSentence(denied)] : []),
  ];
  return parts.length === 0 ? NOTHING_COUNTED : parts.join(' ');
}

function excessSentence({ of, tokens, windows = 0 }: CellExcess): string {
  if (of !== 'windows')
    return `The worst user was admitted ${amountText(tokens, 'token')} more than the promise allows.`;
  return `The worst window had ${amountText(tokens, 'request')} more than the limit. ${endsText(windows)}`;
}

/** Windows that end with different requests may overlap, so that their number says little. */
function endsText(windows: number): string {
  return `Such windows ended with ${count(windows, 'request')}.`;
}

/** Every figure of a run with its name and its unit. */
export function figureRows(figures: CellFigures): [name: string, value: string][] {
  const { excess, falseDenials, decided, undecided, dropped = 0 } = figures;
  const { dishonest, p50Us, p99Us, requests } = figures;
  return [
    [EXCESS_NAMES[excess.of], amountText(excess.tokens, excess.of === 'windows' ? 'request' : 'token')],
    ...(excess.declared === null ? [] : [pair('declared excess', amountText(excess.declared, 'token'))]),
    ...(excess.windows === undefined
      ? []
      : [pair('requests that end such a window', wholeText(excess.windows))]),
    ['false denials', falseDenials === null ? 'none is promised' : ofText(falseDenials, 'judged denials')],
    ['availability', decided === null ? NONE : shareText(decided)],
    ...(undecided === undefined ? [] : [pair('without a decision', byCodeText(undecided))]),
    ['dishonest headers', dishonest.judged === 0 ? 'none stated' : ofText(dishonest, 'answers')],
    ['p50, slowest region', timeText(p50Us)],
    ['p99, slowest region', timeText(p99Us)],
    ['requests', wholeText(requests)],
    ...(dropped === 0
      ? []
      : [pair('not sent', `${count(dropped, 'request')}: all connections of the region were busy`)]),
  ];
}

const EXCESS_NAMES: Readonly<Record<CellExcess['of'], string>> = {
  windows: 'worst window, above the limit',
  total: 'worst user, above the promise',
  window: 'worst window of a user, above the promise',
};

const NONE = 'no sample';

function pair(name: string, value: string): [string, string] {
  return [name, value];
}

/** Like `1,204 LIMITER_FAILED, 3 LOAD_ENDED`. */
function byCodeText(counts: Readonly<Record<string, number>>): string {
  const texts = Object.entries(counts).map(([code, sum]) => `${wholeText(sum)} ${code}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function ofText({ total, judged }: Share, what: string): string {
  return `${wholeText(total)} of ${wholeText(judged)} ${what}`;
}

/** Microseconds as milliseconds with the unit. */
export function timeText(us: number | null): string {
  return us === null ? NONE : `${msText(us)} ms`;
}
