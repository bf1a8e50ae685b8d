import { make } from '../dom.ts';
import { type LineStyle, sample } from '../palette.ts';
import { numberText } from '../text.ts';
import type { ChartParts, Line } from './line.ts';

/** The names of a chart's lines, and their values at the cursor. */
export interface Legend {
  readonly element: HTMLElement;
  show(lines: readonly Line[], bin: number | undefined): void;
  filter(isShown: (name: string) => boolean): void;
}

export function makeLegend({ heading, unit, lines }: Pick<ChartParts, 'heading' | 'unit' | 'lines'>): Legend {
  const values = lines.map(() => make('span', { class: 'value' }));
  const rows = lines.map(({ name, style }, at) => legendItem(style, name, values[at]));
  const element = makeLegendBox({ heading, unit }, ...rows);
  return {
    element,
    show(now, bin) {
      for (const [at, line] of now.entries()) {
        const value = bin === undefined ? undefined : line.values[bin];
        const cell = values[at];
        if (cell !== undefined)
          cell.textContent = value === null || value === undefined ? '' : numberText(value);
      }
    },
    filter(isShown) {
      for (const [at, { name }] of lines.entries()) {
        const row = rows[at];
        if (row !== undefined) row.hidden = !isShown(name);
      }
    },
  };
}

/** The names of what a chart shows, below its heading. */
export function makeLegendBox(
  { heading, unit }: Pick<ChartParts, 'heading' | 'unit'>,
  ...items: readonly HTMLElement[]
): HTMLElement {
  return make(
    'div',
    { class: 'legend' },
    make('h3', {}, heading, make('span', { class: 'unit', text: ` ${unit}` })),
    make('ul', {}, ...items),
  );
}

/** The name of a line, with the cell of its value. */
export function legendItem(style: LineStyle, name: string, value: HTMLElement | undefined): HTMLElement {
  return make('li', {}, sample(style), make('span', { class: 'name', text: name }), value);
}
