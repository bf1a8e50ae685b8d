import type { PageSpan, RunPage } from '../report/html/page-data.ts';
import type { Drawing } from './charts/chart.ts';
import { makeLevelChart } from './charts/level-chart.ts';
import { makeOperationsChart } from './charts/operations-chart.ts';
import type { TimeAxis } from './charts/time-axis.ts';
import { makeWindowChart } from './charts/window-chart.ts';
import { button, make } from './dom.ts';
import { collectOperations } from './operations.ts';
import { tokensText } from './text.ts';
import { kindsText, violationsText } from './violations.ts';

/** A bucket that can be chosen, with its charts. */
export interface BucketView {
  readonly element: HTMLElement;
  /** Shows the bucket of this name, around its first violation. */
  show(bucket: string): void;
}

/** Seconds around a violation. */
const AROUND = 1.5;

export function makeBucketView(page: RunPage, axis: TimeAxis): BucketView {
  const { buckets } = page;
  const place = make('div', { class: 'charts' });
  let charts: readonly Drawing[] = [];
  const note = make('p', { class: 'quiet' });
  const hint = make('p', { class: 'hint' });
  const choice = make(
    'select',
    { attributes: { id: 'bucket' }, on: { change: () => take(choice.selectedIndex) } },
    ...buckets.map(({ name, violations }) =>
      make('option', {
        text: violations.length === 0 ? name : `${name}: ${kindsText(violations, page.declared)}`,
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
    for (const chart of charts) chart.end();
    const shown = { bucket, operations: collectOperations(bucket, page.regions) };
    const span = bucket.span ?? page.span;
    charts = [
      span === undefined
        ? makeLevelChart(page, axis, shown)
        : makeWindowChart(page, axis, { ...shown, span }),
      makeOperationsChart(page, axis, shown),
    ];
    place.replaceChildren(...charts.map(({ row }) => row));
    note.textContent = describeBucket(page, bucket);
    hint.textContent = span === undefined ? levelHint(page) : windowHint(span, bucket);
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
    hint,
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
      const atS = firstViolationS(bucket);
      if (atS !== undefined) axis.show({ min: atS - AROUND, max: atS + AROUND });
    },
  };
}

type Bucket = RunPage['buckets'][number];

const LEVEL_HINT =
  'An ideal bucket that took the same operations, each somewhere in its interval, stays between the two lines. If the highest falls below zero, more was admitted than any bucket can admit. If the lowest stays at or above the cost during a denial, the denial was false. If the lines cross, no ideal bucket took these operations.';

function levelHint({ declared }: RunPage): string {
  if (declared === undefined) return LEVEL_HINT;
  return `${LEVEL_HINT} Hollow signs are what the strategy declares: up to ${tokensText(declared)} tokens of one bucket beyond an ideal one.`;
}

function windowHint({ about }: PageSpan, { refunds }: Bucket): string {
  return refunds.length === 0 ? about : `${about} What came back makes room for as much again.`;
}

function describeBucket(page: RunPage, { policy: name, of, violations, invokedUs }: Bucket): string {
  const policy = page.policies[name];
  const refill =
    policy === undefined || page.span !== undefined
      ? ''
      : `capacity ${policy.capacityTokens}, ${(policy.quantaPerUs * 1e6) / policy.quantaPerToken} tokens a second; `;
  const stretch =
    of === undefined
      ? ''
      : `; only ${invokedUs.length} of ${of} are shown, and ${page.span === undefined ? 'any level is possible before them' : 'what was admitted before them is not counted'}`;
  return `${refill}${invokedUs.length} operations, ${violationsText(violations, page.declared)}${stretch}`;
}

/** The end of the operation of the first violation, in seconds of the run. */
function firstViolationS({ violations: [first], invokedUs, durationUs }: Bucket): number | undefined {
  if (first === undefined) return undefined;
  const beganUs = invokedUs.slice(0, first.at + 1).reduce((sum, us) => sum + us, 0);
  return (beganUs + Math.max(0, durationUs[first.at] ?? 0)) / 1e6;
}
