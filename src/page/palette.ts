import { makeSvg } from './dom.ts';
import { colour } from './theme.ts';

/** What distinguishes a line: its colour and, without colours, its dashes. */
export interface LineStyle {
  /** The name of a colour of the style sheet. */
  readonly colour: string;
  readonly dash: readonly number[];
}

const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2, 1, 2]];
const COLOURS = 6;

/** The style of the n-th of several things: regions, or runs. */
export function styleOf(place: number): LineStyle {
  const round = Math.floor(place / COLOURS);
  return { colour: `line-${place % COLOURS}`, dash: DASHES[(place + round) % DASHES.length] ?? [] };
}

/** The outcomes and their styles in all charts. */
export const OUTCOME_STYLES = {
  allowed: { colour: 'allowed', dash: [] },
  denied: { colour: 'denied', dash: [7, 4] },
  failed: { colour: 'failed', dash: [2, 3] },
  info: { colour: 'info', dash: [10, 3, 2, 3] },
} as const satisfies Record<string, LineStyle>;

/** A piece of the line, for a legend. */
export function sample(style: LineStyle): SVGSVGElement {
  const line = makeSvg('line', {
    x1: 1,
    y1: 5,
    x2: 27,
    y2: 5,
    'stroke-width': 2.5,
    'stroke-dasharray': style.dash.join(' '),
    stroke: `var(--${style.colour})`,
  });
  return makeSvg('svg', { width: 28, height: 10, 'aria-hidden': 'true', class: 'sample' }, line);
}

/** For a canvas, as the colours are now. */
export function strokeOf(style: LineStyle): string {
  return colour(style.colour);
}
