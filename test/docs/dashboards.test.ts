import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { runProgram, testFolder } from '../support/cli.ts';
import { emittedByLimiter, emittedByRun } from '../support/dashboards/emitted.ts';
import type { DashboardFile } from '../support/dashboards/grafana.ts';
import { type Emitted, problemsOf } from '../support/dashboards/promql.ts';
import { runOf } from '../support/html.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const ROOT = join(import.meta.dirname, '../..');
const DASHBOARDS = ['limiter', 'runs'] as const;
const textOf = (name: string) => readFileSync(join(ROOT, 'docs/dashboards', name), 'utf8');

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
  readonly refId: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

interface Annotation {
  readonly target: Target;
  readonly titleFormat: string;
}

/** The parts of a `DashboardFile` that these tests read. */
interface Dashboard extends Pick<DashboardFile, 'uid'> {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
}

const dashboardOf = (name: (typeof DASHBOARDS)[number]): Dashboard => JSON.parse(textOf(`${name}.json`));

const emitted: Record<(typeof DASHBOARDS)[number], Emitted> = { limiter: new Map(), runs: new Map() };
beforeAll(async () => {
  emitted.limiter = await emittedByLimiter();
  const { report, evidence } = runOf(syntheticRun({ operations: 600, buckets: 20 }));
  const [shard, ...others] = report.shards;
  if (shard === undefined) throw new Error('the run has no shard');
  const bound = { totalExcess: 20, worstWindow: 20, formula: '20' };
  const declaring = { ...report, shards: [{ ...shard, bound }, ...others] };
  emitted.runs = emittedByRun({ name: 'run', version: '1.0.0', report: declaring, evidence });
});

describe.each(DASHBOARDS)('the dashboard %s', (name) => {
  const dashboard = dashboardOf(name);
  const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map((target) => ({ title, ...target })),
  );

  it('asks only for metrics and labels that are emitted, in PromQL', () => {
    expect(queries.length).toBeGreaterThan(10);
    const problems = queries.map(({ title, expr, legendFormat }) => ({
      title,
      problems: problemsOf(expr, emitted[name], legendFormat),
    }));
    expect(problems.filter((found) => found.problems.length > 0)).toEqual([]);
    for (const { target, titleFormat } of dashboard.annotations.list)
      expect(problemsOf(target.expr, emitted[name], titleFormat)).toEqual([]);
  });

  it('has variables whose values come from labels that are emitted, and uses no other', () => {
    const { list } = dashboard.templating;
    expect(list[0]?.name).toBe('datasource');
    for (const { query } of list.slice(1)) {
      const [, selector = '', label = ''] =
        /^label_values\((.*), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query) ?? [];
      expect(problemsOf(`count by (${label}) (${selector})`, emitted[name])).toEqual([]);
    }
    const used = [...textOf(`${name}.json`).matchAll(/\$\{?(\w+)/g)].map(([, variable]) => variable);
    const known = [...list.map((variable) => variable.name), '__rate_interval', '__range'];
    expect([...new Set(used)].filter((variable) => !known.includes(variable ?? ''))).toEqual([]);
    const defined = list.map((variable) => variable.name);
    expect(defined.filter((variable) => !used.includes(variable))).toEqual([]);
  });

  it('asks the data source that is chosen, and no other', () => {
    const sources = [...textOf(`${name}.json`).matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid);
    expect(new Set(sources)).toEqual(new Set(['$' + '{datasource}', dashboard.uid]));
  });

  it('has panels beside each other, each with its own id, and explains most', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const covered = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(covered.get(`${x} ${y}`), title).toBeUndefined();
          covered.set(`${x} ${y}`, title);
        }
    }
  });

  it('is what the types of Grafana allow', async () => expect(await compile(dashboard)).toBe(''), 120_000);
});

it('the dashboard of runs puts excess beside the limit of the same shard and policy only', () => {
  const besides = dashboardOf('runs')
    .panels.map(({ targets = [] }) => targets.map(({ expr }) => expr))
    .filter((exprs) => exprs.some((expr) => /_excess_limit/.test(expr)));
  expect(besides).toHaveLength(2);
  for (const expr of besides.flat())
    expect(expr).toMatch(/^max by \([^)]*openclaw_rl_shard, openclaw_rl_policy\)/);
});

describe('the types of Grafana refuse', () => {
  const runs = dashboardOf('runs');
  const withPanel = (change: object) => ({ ...runs, panels: [{ ...runs.panels[1], ...change }] });
  it.each([
    { title: 'a field that is not there', wrong: { ...runs, colour: 'red' }, says: '"colour"' },
    {
      title: 'a text for a number',
      wrong: { ...runs, schemaVersion: '39' },
      says: "'string' is not assignable to type 'number'",
    },
    {
      title: 'a mode of colour that is not there',
      wrong: withPanel({ fieldConfig: { defaults: { color: { mode: 'rainbow' } }, overrides: [] } }),
      says: 'rainbow',
    },
    { title: 'a panel without a place', wrong: withPanel({ gridPos: { x: 0, y: 0, w: 1 } }), says: "'h'" },
  ])('$title', async ({ wrong, says }) => expect(await compile(wrong)).toContain(says), 120_000);
});

/**
 * What the compiler says of a dashboard as a value of Grafana's type. That does not have
 * what only the data source Prometheus knows of an annotation.
 */
async function compile({ annotations, ...more }: Pick<Dashboard, 'annotations'>): Promise<string> {
  const list = annotations.list.map(({ target: { refId }, titleFormat: _, ...rest }) => ({
    ...rest,
    target: { refId },
  }));
  const dashboard = { ...more, annotations: { list } };
  const folder = testFolder();
  writeFileSync(
    join(folder, 'dashboard.ts'),
    `import type { DashboardFile } from '${ROOT}/test/support/dashboards/grafana.ts';
export const dashboard: DashboardFile = ${JSON.stringify(dashboard, null, 1)};
`,
  );
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const flags =
    '--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler --allowImportingTsExtensions';
  const { stdout, stderr } = await runProgram(tsc, [...flags.split(' '), 'dashboard.ts'], { cwd: folder });
  return stdout + stderr;
}

describe('a query is refused', () => {
  const H = 'openclaw_rl_limiter_decision_duration_seconds';
  it.each([
    { expr: `sum by (job) rate(${H}_count[5m]`, says: /^not PromQL/ },
    { expr: `rate(${H}_total[5m])`, says: /nothing emits the metric/ },
    { expr: `rate(${H}_count{outcome="allowed"}[5m])`, says: /has no label outcome$/ },
    { expr: `sum by (region) (rate(${H}_count[5m]))`, says: /no metric of it has the label region$/ },
    { expr: `sum by (le) (rate(${H}_count[5m]))`, says: /has the label le$/ },
    { expr: '1 + 1', says: /selects no metric/ },
  ])('$expr', ({ expr, says }) => expect(problemsOf(expr, emitted.limiter)[0]).toMatch(says));

  it('if its legend names a label that the result has not', () =>
    expect(problemsOf(`sum by (job) (rate(${H}_count[5m]))`, emitted.limiter, '{{instance}}')).toEqual([
      'the result has no label instance',
    ]));
});

const rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z]\w+$/),
          expr: z.string(),
          for: z.string().regex(/^\d+[smh]$/),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

describe('the alerts', () => {
  const alerts = () => rules.parse(parse(textOf('alerts.yaml'))).groups.flatMap((group) => group.rules);

  it('are rules of Prometheus, on metrics and labels that are emitted', () => {
    for (const { expr, annotations } of alerts()) {
      expect(problemsOf(expr, emitted.limiter)).toEqual([]);
      for (const text of Object.values(annotations))
        for (const [, label] of text.matchAll(/\$labels\.(\w+)/g)) expect(expr).toContain(`by (${label}`);
    }
  });

  it('are those of the page on production that metrics can show, each named there', () => {
    const page = readFileSync(join(ROOT, 'docs/production.md'), 'utf8');
    expect(alerts().map(({ alert }) => alert)).toEqual(
      [...page.matchAll(/`(Openclaw\w+)`/g)]
        .map(([, alert = '']) => alert)
        .filter((alert) => alert !== 'OpenclawError'),
    );
    expect(alerts()).toHaveLength(4);
  });

  it('have a panel each in the dashboard, first of all', () => {
    const [, ...stats] = dashboardOf('limiter').panels.slice(0, 5);
    expect(stats.map(({ type }) => type)).toEqual(alerts().map(() => 'stat'));
    const labelsIn = (expr = '') =>
      [...expr.matchAll(/openclaw_rl_\w+="\w+"|histogram_quantile/g)].map(String);
    expect(stats.map(({ targets }) => labelsIn(targets?.[0]?.expr))).toEqual(
      alerts().map(({ expr }) => labelsIn(expr)),
    );
  });
});
