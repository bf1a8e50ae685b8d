import { STATUSES } from '../../report/html/scoreboard/statuses.ts';
import {
  beginsDown,
  FIRST_VIEW,
  SORT_KEYS,
  type SortKey,
  viewFragment,
} from '../../report/html/scoreboard/view.ts';
import { CELL_STATUSES } from '../../report/scoreboard/scoreboard.ts';
import { button, make } from '../dom.ts';
import type { Address } from './address.ts';
import type { Board } from './board.ts';

const SORT_NAMES: Readonly<Record<SortKey, string>> = {
  limiter: 'limiter',
  language: 'language',
  excess: 'worst excess',
  availability: 'availability',
  p50: 'p50 of admissions',
};

/** What sorts and filters the table; a phone shows it when it is opened. */
export function makeControls(board: Board, address: Address): HTMLElement {
  const count = make('output', { class: 'count', attributes: { 'aria-live': 'polite' } });
  const everything = button('Show all', () => address.change(FIRST_VIEW));
  const none = make('p', { class: 'empty', text: 'No limiter is like that.' });
  address.onView((view, rows) => {
    count.textContent = `${rows} of ${board.size} limiters`;
    everything.hidden = viewFragment(view) === '';
    none.hidden = rows > 0;
  });
  const details = make(
    'details',
    { class: 'controls' },
    make('summary', { text: 'Sort and filter' }),
    make(
      'div',
      { class: 'row' },
      searchField(address),
      languageField(board, address),
      ...sortFields(board, address),
    ),
    makePills('Limiters with a cell that is', CELL_STATUSES.map(statusChoice), {
      address,
      chosen: ({ view }) => view.statuses,
      choose: (statuses) =>
        address.change({ statuses: CELL_STATUSES.filter((one) => statuses.includes(one)) }),
    }),
    makePills(
      'Only these columns',
      board.columns.map(({ scenario, title }) => [scenario, title]),
      {
        address,
        chosen: ({ view }) => view.scenarios,
        choose: (scenarios) => address.change({ scenarios, within: withinOf(address, scenarios) }),
      },
    ),
  );
  details.open = matchMedia('(min-width: 761px)').matches;
  return make('div', {}, details, make('div', { class: 'row shown' }, count, everything), none);
}

function statusChoice(status: (typeof CELL_STATUSES)[number]): [string, string] {
  return [status, `${STATUSES[status].sign} ${STATUSES[status].word}`];
}

/** The scenario that the table is sorted by stays only while its column is shown. */
function withinOf({ view: { within } }: Address, scenarios: readonly string[]): string {
  return scenarios.length === 0 || scenarios.includes(within) ? within : '';
}

function searchField(address: Address): HTMLElement {
  const input = make('input', {
    attributes: { type: 'search', placeholder: 'name, version, setting', autocomplete: 'off' },
    on: { input: () => address.change({ text: input.value }) },
  });
  address.onView(({ text }) => {
    if (input.value !== text) input.value = text;
  });
  return make('label', {}, 'Search ', input);
}

function languageField({ languages }: Board, address: Address): HTMLElement {
  return makeSelect('Language', [['', 'all'], ...languages.map((one): [string, string] => [one, one])], {
    address,
    value: ({ view }) => view.language,
    choose: (language) => address.change({ language }),
  });
}

function sortFields({ columns }: Board, address: Address): HTMLElement[] {
  const order = button('', () => address.change({ isDown: !address.view.isDown }), { class: 'order' });
  address.onView(({ isDown, sort }) => {
    const isText = sort === 'limiter' || sort === 'language';
    order.textContent = isDown
      ? isText
        ? '↓ Z to A'
        : '↓ largest first'
      : isText
        ? '↑ A to Z'
        : '↑ smallest first';
  });
  const within = makeSelect('in', [['', 'all shown: the worst'], ...columns.map(titleOf)], {
    address,
    value: ({ view }) => view.within,
    choose: (scenario) => address.change({ within: scenario }),
  });
  address.onView(({ sort }) => {
    within.hidden = sort === 'limiter' || sort === 'language';
  });
  const sort = makeSelect(
    'Sort by',
    SORT_KEYS.map((key) => [key, SORT_NAMES[key]]),
    {
      address,
      value: ({ view }) => view.sort,
      choose: (key) => chooseSort(address, SORT_KEYS.find((one) => one === key) ?? FIRST_VIEW.sort),
    },
  );
  return [sort, within, order];
}

function titleOf({ scenario, title }: Board['columns'][number]): [string, string] {
  return [scenario, title];
}

function chooseSort({ view, change }: Address, sort: SortKey): void {
  const within = sort === 'limiter' || sort === 'language' ? '' : view.within;
  change({ sort, within, isDown: beginsDown(sort) });
}

type Choice = readonly [value: string, name: string];

/** One value of several, as the address says. */
function makeSelect(
  name: string,
  choices: readonly Choice[],
  {
    address,
    value,
    choose,
  }: {
    readonly address: Address;
    readonly value: (address: Address) => string;
    readonly choose: (value: string) => void;
  },
): HTMLElement {
  const select = make(
    'select',
    { attributes: { 'aria-label': name }, on: { change: () => choose(select.value) } },
    ...choices.map(([key, text]) => make('option', { text, attributes: { value: key } })),
  );
  address.onView(() => {
    select.value = value(address);
  });
  return make('label', {}, `${name} `, select);
}

/** Several values of several, as the address says; none of them is all of them. */
function makePills(
  name: string,
  choices: readonly Choice[],
  {
    address,
    chosen,
    choose,
  }: {
    readonly address: Address;
    readonly chosen: (address: Address) => readonly string[];
    readonly choose: (values: string[]) => void;
  },
): HTMLElement {
  const boxes = choices.map(([value]) =>
    make('input', {
      attributes: { type: 'checkbox', value },
      on: { change: () => choose(boxes.filter(({ checked }) => checked).map((box) => box.value)) },
    }),
  );
  address.onView(() => {
    for (const box of boxes) box.checked = chosen(address).includes(box.value);
  });
  return make(
    'fieldset',
    { class: 'pills' },
    make('legend', { text: name }),
    ...choices.map(([, text], at) => make('label', {}, boxes[at], make('span', { text }))),
  );
}
