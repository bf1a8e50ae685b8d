import { CELL_STATUSES, type CellStatus } from '../../scoreboard/scoreboard.ts';

/** What the table can be sorted by. */
export const SORT_KEYS = ['limiter', 'language', 'excess', 'availability', 'p50'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** How the table is filtered and sorted. Lists without members do not filter. */
export interface View {
  readonly text: string;
  readonly language: string;
  /** Limiters are shown that have a cell of one of these. */
  readonly statuses: readonly CellStatus[];
  /** Columns that are shown. */
  readonly scenarios: readonly string[];
  readonly sort: SortKey;
  /** A scenario whose figure counts; '': the worst of all shown. */
  readonly within: string;
  readonly isDown: boolean;
}

export const FIRST_VIEW: View = {
  ...{ text: '', language: '', statuses: [], scenarios: [], sort: 'limiter', within: '', isDown: false },
};

/** Whether the order begins with the largest when a key is chosen. */
export function beginsDown(sort: SortKey): boolean {
  return sort === 'excess' || sort === 'availability';
}

/** The view as the fragment of an address; '' for the first one. */
export function viewFragment(view: View): string {
  const { text, language, statuses, scenarios, sort, within, isDown } = view;
  const isSorted = sort !== FIRST_VIEW.sort || within !== '' || isDown;
  const pairs: [string, string][] = [
    ...(text === '' ? [] : [['text', text] as [string, string]]),
    ...(language === '' ? [] : [['language', language] as [string, string]]),
    ...statuses.map((status): [string, string] => ['status', status]),
    ...scenarios.map((scenario): [string, string] => ['scenario', scenario]),
    ...(isSorted ? [['sort', sort] as [string, string]] : []),
    ...(within === '' ? [] : [['in', within] as [string, string]]),
    ...(isSorted ? [['order', isDown ? 'down' : 'up'] as [string, string]] : []),
  ];
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
}

/** The view of a fragment; what is not known in it is ignored. */
export function viewOf(fragment: string, scenarios: readonly string[]): View {
  const parameters = new URLSearchParams(fragment);
  const known = (names: readonly string[]) => names.filter((name) => scenarios.includes(name));
  const sort = SORT_KEYS.find((key) => key === parameters.get('sort')) ?? FIRST_VIEW.sort;
  const order = parameters.get('order');
  return {
    text: parameters.get('text') ?? '',
    language: parameters.get('language') ?? '',
    statuses: CELL_STATUSES.filter((status) => parameters.getAll('status').includes(status)),
    scenarios: known(parameters.getAll('scenario')),
    sort,
    within: known(parameters.getAll('in'))[0] ?? '',
    isDown: order === null ? beginsDown(sort) && parameters.has('sort') : order === 'down',
  };
}

/** A row of the table, as the view sees it. */
export interface ViewedRow {
  readonly limiter: string;
  readonly name: string;
  readonly language: string;
  /** Lower-case, all that a text is searched in. */
  readonly text: string;
  readonly cells: readonly ViewedCell[];
}

export interface ViewedCell {
  readonly scenario: string;
  readonly status: string;
  /** Undefined where there is no sample. */
  readonly excess: number | undefined;
  readonly availability: number | undefined;
  readonly p50: number | undefined;
}

/** The rows that a view shows, in its order. */
export function rowsInView<R extends ViewedRow>(rows: readonly R[], view: View): R[] {
  const words = view.text.toLowerCase().split(/\s+/);
  return rows
    .filter(
      (row) =>
        words.every((word) => row.text.includes(word)) &&
        (view.language === '' || row.language === view.language) &&
        (view.statuses.length === 0 ||
          shownCells(row, view).some(({ status }) => view.statuses.some((one) => one === status))),
    )
    .toSorted((a, b) => compare(a, b, view) || a.name.localeCompare(b.name, 'en'));
}

/** Whether the view shows the column of a scenario. */
export function isShown({ scenarios }: View, scenario: string): boolean {
  return scenarios.length === 0 || scenarios.includes(scenario);
}

function shownCells({ cells }: ViewedRow, view: View): ViewedCell[] {
  return cells.filter(({ scenario }) => isShown(view, scenario));
}

/** Rows without a figure are last in both orders. */
function compare(a: ViewedRow, b: ViewedRow, view: View): number {
  const sign = view.isDown ? -1 : 1;
  if (view.sort === 'limiter') return sign * a.name.localeCompare(b.name, 'en');
  if (view.sort === 'language') return sign * a.language.localeCompare(b.language, 'en');
  const [first, second] = [figureOf(a, view), figureOf(b, view)];
  if (first === undefined || second === undefined)
    return Number(first === undefined) - Number(second === undefined);
  return sign * (first - second);
}

/** The worst of the cells that count: the largest excess, the least availability, the longest latency. */
function figureOf(row: ViewedRow, view: View): number | undefined {
  const { sort, within } = view;
  if (sort === 'limiter' || sort === 'language') return undefined;
  const counted =
    within === '' ? shownCells(row, view) : row.cells.filter(({ scenario }) => scenario === within);
  const values = counted.map((cell) => cell[sort]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return sort === 'availability' ? Math.min(...values) : Math.max(...values);
}
