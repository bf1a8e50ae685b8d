import type { RunPage } from '../report/html/page-data.ts';
import { make } from './dom.ts';
import { makeScroll } from './scroll.ts';

/** A table of text; columns of numbers stand to the right. */
function makeTable({ head, rows }: RunPage['tables'][number], label: string): HTMLElement {
  const isNumber = head.map(
    (_, at) => at > 0 && rows.every((row) => /^[-+x ]*[\d.,]*%?$/.test(row[at] ?? '')),
  );
  const kind = (at: number) => (isNumber[at] === true ? 'number' : '');
  return makeScroll(
    make(
      'table',
      {},
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ...head.map((text, at) => make('th', { text, class: kind(at), attributes: { scope: 'col' } })),
        ),
      ),
      make(
        'tbody',
        {},
        ...rows.map((row) => make('tr', {}, ...row.map((text, at) => make('td', { text, class: kind(at) })))),
      ),
    ),
    label,
  );
}

/** Every table of the report, each in a section that can be opened. */
export function makeTables(tables: RunPage['tables']): HTMLElement[] {
  return tables.map((table, at) => {
    const name = table.head[0] ?? '';
    const title = TITLES[name] ?? name;
    return make(
      'details',
      at === 0 ? { attributes: { open: '' } } : {},
      make('summary', { text: title }),
      makeTable(table, title),
    );
  });
}

const TITLES: Readonly<Record<string, string>> = {
  correctness: 'Correctness',
  part: 'Requests of each part',
  'clock of': 'Clocks of the machines',
  shard: 'Measured and declared excess by shard',
  'bound of': 'Formulas of the bounds',
  phase: 'By phase',
  region: 'By region',
  'phase, region': 'By phase and region',
  latency: 'Latency by region and outcome',
  'lost decisions of': 'Decisions that a takeover lost',
  'at s': 'Events in the order of time',
};
