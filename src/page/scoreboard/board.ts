import { shareText, timeText } from '../../report/html/scoreboard/figures.ts';
import { isShown, rowsInView, type View, type ViewedRow } from '../../report/html/scoreboard/view.ts';
import { makeScroll } from '../scroll.ts';

/** A scenario as the head of its column. */
export interface Column {
  readonly scenario: string;
  readonly title: string;
  readonly head: HTMLElement;
}

interface Row extends ViewedRow {
  readonly element: HTMLTableRowElement;
  /** What the markup says of the worst excess, by cell. */
  readonly worst: readonly string[];
}

/** The table of the page. */
export interface Board {
  /** It has the table, and what belongs to it. */
  readonly section: HTMLElement;
  readonly columns: readonly Column[];
  readonly nameHead: HTMLElement;
  readonly languages: readonly string[];
  readonly size: number;
  /** Shows the rows and columns of a view; returns the number of rows. */
  show(view: View): number;
  /** The link of the table to these details, if it is shown. */
  linkTo(href: string): HTMLElement | undefined;
}

/** Reads the table that is in the markup, and puts it into a box that says when it scrolls. */
export function readBoard(): Board {
  const section = find(document, '#table');
  const table = find(section, 'table');
  const body = find(table, 'tbody');
  const rows = [...table.querySelectorAll<HTMLTableRowElement>('tbody tr')].map(readRow);
  const columns = [...table.querySelectorAll<HTMLElement>('thead th[data-scenario]')].map((head) => ({
    scenario: head.dataset.scenario ?? '',
    title: head.textContent ?? '',
    head,
  }));
  find(section, '#box').replaceWith(makeScroll(table, 'Table of limiters'));
  return {
    section,
    columns,
    nameHead: find(table, 'thead th'),
    languages: [...new Set(rows.map(({ language }) => language))].sort((a, b) => a.localeCompare(b, 'en')),
    size: rows.length,
    show(view) {
      const shown = rowsInView(rows, view);
      lay(body, shown);
      for (const { scenario, head } of columns) head.hidden = !isShown(view, scenario);
      for (const row of shown) {
        showCells(row.element, view);
        showFigures(row, view);
      }
      return shown.length;
    },
    linkTo: (href) =>
      [...body.querySelectorAll<HTMLElement>('a')].find((link) => link.getAttribute('href') === href),
  };
}

/** Rows that stand already as they should stay there, and so keep the focus. */
function lay(body: HTMLElement, shown: readonly Row[]): void {
  const isLaid =
    body.childElementCount === shown.length &&
    shown.every(({ element }, at) => body.children[at] === element);
  if (!isLaid) body.replaceChildren(...shown.map(({ element }) => element));
}

/** Hides columns that are not chosen, and lets those cells stand back that have no chosen status. */
function showCells(row: HTMLElement, view: View): void {
  for (const cell of row.querySelectorAll<HTMLElement>('td')) {
    cell.hidden = !isShown(view, cell.dataset.scenario ?? '');
    const isChosen = view.statuses.length === 0 || view.statuses.some((one) => one === cell.dataset.status);
    cell.classList.toggle('other', !isChosen);
  }
}

/** Shows the figure by which the table is sorted, else the worst excess. */
function showFigures({ element, cells, worst }: Row, { sort }: View): void {
  for (const [at, figure] of [...element.querySelectorAll('td')].entries()) {
    const [shown, cell] = [figure.querySelector('.figure'), cells[at]];
    if (shown === null || cell === undefined) continue;
    if (sort === 'availability') shown.textContent = textOf(cell.availability, shareText);
    else if (sort === 'p50') shown.textContent = textOf(cell.p50, timeText);
    else shown.textContent = worst[at] ?? '';
  }
}

function textOf(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? '' : text(value);
}

function readRow(element: HTMLTableRowElement): Row {
  const { limiter = '', name = '', language = '', text = '' } = element.dataset;
  const places = [...element.querySelectorAll('td')];
  const worst = places.map((place) => place.querySelector('.figure')?.textContent ?? '');
  const cells = places.map(({ dataset }) => ({
    scenario: dataset.scenario ?? '',
    status: dataset.status ?? '',
    excess: numberOf(dataset.excess),
    availability: numberOf(dataset.availability),
    p50: numberOf(dataset.p50),
  }));
  return { element, worst, limiter, name, language, text, cells };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The element that the markup has. */
export function find(inside: ParentNode, selector: string): HTMLElement {
  const element = inside.querySelector<HTMLElement>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}
