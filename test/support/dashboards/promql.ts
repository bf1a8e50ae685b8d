import { parser } from '@prometheus-io/lezer-promql';

/** The labels of each metric, by its name as Prometheus has it. */
export type Emitted = ReadonlyMap<string, ReadonlySet<string>>;

interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

interface Query {
  /** What is no PromQL. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels by which it groups or matches. */
  readonly groupings: readonly string[];
}

/** What a scrape or a receiver adds to each series. */
const ADDED = ['job', 'instance'];

/** Reads a query of a dashboard, whose variables have values then. */
function readQuery(expr: string): Query {
  const text = expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');
  const errors: string[] = [];
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  parser.parse(text).iterate({
    enter({ name, from, to, node }) {
      const found = text.slice(from, to);
      if (name === '⚠') errors.push(`not PromQL at ${from}: ${text.slice(from, from + 30)}`);
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector' && selector)
        selector.metric = found;
      if (name !== 'LabelName') return;
      if (node.parent?.name === 'GroupingLabels') groupings.push(found);
      else selector?.labels.push(found);
    },
  });
  return { errors, selectors, groupings };
}

/** What is wrong with a query, or with the labels of its legend, by what is emitted. */
export function problemsOf(expr: string, emitted: Emitted, legend = ''): string[] {
  const { errors, selectors, groupings } = readQuery(expr);
  const labelsOf = (metric: string) => [...(emitted.get(metric) ?? []), ...ADDED];
  const unknown = selectors.filter(({ metric }) => !emitted.has(metric));
  const legends = [...legend.matchAll(/{{\s*(\w+)\s*}}/g)].map(([, label = '']) => label);
  return [
    ...errors,
    ...(selectors.length === 0 ? ['it selects no metric'] : []),
    ...unknown.map(({ metric }) => `nothing emits the metric ${metric}`),
    ...selectors.flatMap(({ metric, labels }) =>
      labels
        .filter((label) => emitted.has(metric) && !labelsOf(metric).includes(label))
        .map((label) => `${metric} has no label ${label}`),
    ),
    ...groupings
      .filter((label) => !selectors.some(({ metric }) => labelsOf(metric).includes(label)))
      .map((label) => `no metric of it has the label ${label}`),
    ...legends
      .filter((label) => !groupings.includes(label))
      .map((label) => `the result has no label ${label}`),
  ];
}
