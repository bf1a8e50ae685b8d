import type { RunPage } from '../src/report/html/page-data.ts';
import type { Drawing } from './chart.ts';
import { button, make } from './dom.ts';
import { makeLevelChart } from './level-chart.ts';
import { operationsOf } from './operations.ts';
import { makeOperationsChart } from './operations-chart.ts';
import type { TimeAxis } from './time-axis.ts';

/** A bucket that can be chosen, with its charts. */
export interface BucketView {
  readonly element: HTMLElement;
  /** Shows the bucket of this name, around what is wrong with it. */
  show(bucket: string): void;
}

/** Seconds around a violation. */
const AROUND = 1.5;

export function makeBucketView(page: RunPage, axis: TimeAxis): BucketView {
  const { buckets } = page;
  const place = make('div', { class: 'charts' });
  let charts: readonly Drawing[] = [];
  const note = make('p', { class: 'quiet' });
  const choice = make(
    'select',
    { attributes: { id: 'bucket' }, on: { change: () => take(choice.selectedIndex) } },
    ...buckets.map(({ name, violations }) =>
      make('option', {
        text: violations.length === 0 ? name : `${name}: ${violations.length} wrong`,
      }),
    ),
  );
  const step = (by: number) => {
    choice.selectedIndex = (choice.selectedIndex + by + buckets.length) % buckets.length;
    take(choice.selectedIndex);
  };
  const take = (at: number) => {
    const bucket = buckets[at];
    if (bucket === undefined) return;
    const { of, violations, invokedUs } = bucket;
    for (const chart of charts) chart.end();
    const shown = { bucket, operations: operationsOf(bucket, page.regions) };
    charts = [makeLevelChart(page, axis, shown), makeOperationsChart(page, axis, shown)];
    place.replaceChildren(...charts.map(({ row }) => row));
    const policy = page.policies[bucket.policy];
    const refill =
      policy === undefined
        ? ''
        : `capacity ${policy.capacityTokens}, ${(policy.quantaPerUs * 1e6) / policy.quantaPerToken} tokens a second; `;
    note.textContent =
      `${refill}${invokedUs.length} operations, ${violations.length} violations` +
      (of === undefined
        ? ''
        : `; a stretch of ${invokedUs.length} out of ${of}, before which any level is possible`);
  };
  const element = make(
    'div',
    {},
    make(
      'div',
      { class: 'chooser' },
      make('label', { text: 'Bucket', attributes: { for: 'bucket' } }),
      choice,
      button('Previous', () => step(-1)),
      button('Next', () => step(1)),
      note,
    ),
    make('p', {
      class: 'hint',
      text: 'An ideal bucket that took the same operations, each somewhere in its interval, can only have been between the two lines. Where the highest falls below zero, more was admitted than any bucket could; where the lowest stays above the cost during a denial, the denial was false. Where the lines cross, no ideal bucket took these operations.',
    }),
    place,
  );
  take(0);
  return {
    element,
    show(name) {
      const at = buckets.findIndex((bucket) => bucket.name === name);
      const bucket = buckets[at];
      if (bucket === undefined) return;
      choice.selectedIndex = at;
      take(at);
      element.scrollIntoView({ block: 'start' });
      const [first] = bucket.violations;
      if (first === undefined) return;
      const beganUs = bucket.invokedUs.slice(0, first.at + 1).reduce((sum, us) => sum + us, 0);
      const atS = (beganUs + Math.max(0, bucket.durationUs[first.at] ?? 0)) / 1e6;
      axis.show({ min: atS - AROUND, max: atS + AROUND });
    },
  };
}
