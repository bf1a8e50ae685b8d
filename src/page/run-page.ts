import type { RunPage } from '../report/html/page-data.ts';
import { makeBucketView } from './bucket-view.ts';
import { makeRunCharts } from './charts/run-charts.ts';
import { make, section } from './dom.ts';
import { makeBar, makeHead } from './head.ts';
import { makeTables } from './tables.ts';
import { makeWorstTable } from './worst-table.ts';

const ABOUT =
  'Times are seconds of the recorder’s clock since the recording began. An operation counts at its end, or at its start if it has no reply. This page needs no network and sends nothing.';

/** The report of one run. */
export function showRun(page: RunPage, main: HTMLElement): void {
  document.title = `${page.verdict}: ${page.title}, seed ${page.seed}`;
  main.before(makeBar('report of a run'));
  main.append(makeHead(page));
  const { series, buckets } = page;
  if (series !== undefined) {
    const charts = makeRunCharts({ ...page, series });
    main.append(section('time', 'The run over time', charts.element));
    const view = buckets.length === 0 ? undefined : makeBucketView(page, charts.axis);
    if (view !== undefined) main.append(section('buckets', 'One bucket', view.element));
    main.append(
      section(
        'worst',
        'Buckets, the worst first',
        makeWorstTable(page, (name) => view?.show(name)),
      ),
    );
  }
  main.append(section('figures', 'All figures', ...makeTables(page.tables)));
  main.append(make('footer', {}, ...[...page.notes, ABOUT].map((text) => make('p', { text }))));
}
