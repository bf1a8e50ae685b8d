import type { RunPage, WorstRow } from '../report/html/page-data.ts';
import { button, make } from './dom.ts';
import { makeScroll } from './scroll.ts';
import { numberText, tokensText } from './text.ts';
import { makeWitness } from './witness.ts';

type Key =
  | 'totalExcess'
  | 'worstWindow'
  | 'falseDenials'
  | 'replay'
  | 'dishonest'
  | 'windows'
  | 'admitted'
  | 'denied';

const COLUMNS: readonly { readonly key: Key; readonly name: string }[] = [
  { key: 'totalExcess', name: 'excess' },
  { key: 'worstWindow', name: 'worst window' },
  { key: 'falseDenials', name: 'false denials' },
  { key: 'replay', name: 'replay' },
  { key: 'dishonest', name: 'dishonest' },
  { key: 'windows', name: 'broken windows' },
  { key: 'admitted', name: 'admitted tokens' },
  { key: 'denied', name: 'denied' },
];

/** Columns that are left out if they have only zeros: of a token bucket, and of a promise of windows. */
const RARE: readonly Key[] = ['windows', 'dishonest'];
const RARE_OF_WINDOWS: readonly Key[] = ['totalExcess', 'worstWindow', 'falseDenials', 'replay', 'dishonest'];

/** The number of rows before `Show all` is pressed. */
const FIRST_ROWS = 25;

/** The worst buckets: sortable by any column, each with a witness that can be opened. */
export function makeWorstTable(page: RunPage, onShow: (bucket: string) => void): HTMLElement {
  const rare = page.span === undefined ? RARE : RARE_OF_WINDOWS;
  const columns = COLUMNS.filter(({ key }) => !rare.includes(key) || page.worst.some((row) => row[key] > 0));
  const held = new Set(page.buckets.map(({ name }) => name));
  const body = make('tbody');
  const { declared } = page;
  const rows = page.worst.map((row, at) => ({
    row,
    elements: makeRows(row, at, { columns, held, onShow, declared }),
  }));
  const heads = columns.map(({ key, name }) => {
    const head = make('th', { attributes: { scope: 'col', 'aria-sort': 'none' }, class: 'number' });
    head.append(button(name, () => sortBy(key), { class: 'sort' }));
    return { key, head };
  });
  let isAll = rows.length <= FIRST_ROWS;
  let order = rows;
  const more = button(`Show all ${rows.length} buckets`, () => {
    isAll = true;
    more.remove();
    lay();
  });
  const lay = () => {
    const shown = isAll ? order : order.slice(0, FIRST_ROWS);
    body.replaceChildren(...shown.flatMap(({ elements }) => elements));
  };
  const sortBy = (key: Key) => {
    const head = heads.find((one) => one.key === key)?.head;
    const isDown = head?.getAttribute('aria-sort') !== 'descending';
    for (const one of heads) one.head.setAttribute('aria-sort', 'none');
    head?.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
    order = rows.toSorted((a, b) => (isDown ? b.row[key] - a.row[key] : a.row[key] - b.row[key]));
    lay();
  };
  lay();
  return make(
    'div',
    {},
    makeScroll(
      make(
        'table',
        { class: 'worst' },
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            make('th', { text: 'bucket', attributes: { scope: 'col' } }),
            make('th', { attributes: { scope: 'col' } }, make('span', { class: 'unseen', text: 'details' })),
            ...heads.map(({ head }) => head),
          ),
        ),
        body,
      ),
      'Table of buckets',
    ),
    isAll ? undefined : more,
  );
}

function makeRows(
  row: WorstRow,
  at: number,
  {
    columns,
    held,
    onShow,
    declared,
  }: {
    columns: readonly { readonly key: Key }[];
    held: ReadonlySet<string>;
    onShow: (bucket: string) => void;
    declared: number | undefined;
  },
): HTMLElement[] {
  const id = `witness-${at}`;
  const detail = make('td', { attributes: { colspan: columns.length + 2 } });
  const details = make('tr', { class: 'details', attributes: { id } }, detail);
  details.hidden = true;
  const open = button('Witness', () => toggle(), {
    attributes: { 'aria-expanded': 'false', 'aria-controls': id, 'aria-label': `Witness of ${row.bucket}` },
  });
  const toggle = () => {
    details.hidden = !details.hidden;
    open.setAttribute('aria-expanded', String(!details.hidden));
    if (detail.childElementCount === 0)
      detail.append(
        make('div', { class: 'pinned' }, ...row.proofs.map((proof) => makeWitness(proof, declared))),
      );
  };
  const cells = columns.map(({ key }) =>
    make('td', {
      class: row[key] === 0 ? 'number none' : 'number',
      text: key === 'totalExcess' || key === 'worstWindow' ? tokensText(row[key]) : numberText(row[key]),
    }),
  );
  const main = make(
    'tr',
    {},
    make('th', { text: row.bucket, attributes: { scope: 'row', title: row.bucket } }),
    make(
      'td',
      { class: 'acts' },
      row.proofs.length > 0 ? open : undefined,
      held.has(row.bucket)
        ? button('Chart', () => onShow(row.bucket), {
            attributes: { 'aria-label': `Chart of ${row.bucket}` },
          })
        : undefined,
    ),
    ...cells,
  );
  return row.proofs.length > 0 ? [main, details] : [main];
}
