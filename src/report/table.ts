import Table from 'cli-table3';
import pc from 'picocolors';
import type { Verdict } from '../core/verdict.ts';
import { OUTCOMES } from '../history/operation.ts';
import type { LatencyRow, RunReport } from './report.ts';

type Colours = ReturnType<typeof pc.createColors>;

/** The report as text for a terminal: the verdict and its reasons first, then the figures. */
export function renderTable(report: RunReport, { colour }: { colour: boolean }): string {
  const colours = pc.createColors(colour);
  const lines = [
    `${colours.bold('verdict')}  ${verdictText(report.verdict, colours)}`,
    ...report.judgements.map(({ verdict, reason }) => `  ${mark(verdict, colours)} ${reason}`),
    '',
    renderAmounts(report),
    renderRegions(report.latencies),
    `run      ${report.strategy}, policy ${report.policy}, ${report.server}; ${report.sent} requests, ${report.requestsPerSecond}/s`,
    `clock    error ${report.clock.epsilonUs} us, drift ${report.clock.rhoPpm} ppm, ${report.clock.steps.length} steps`,
    `seed     ${report.seed}`,
    `again    ${report.command}`,
    `kept in  ${report.folder}`,
  ];
  return `${lines.join('\n')}\n`;
}

export function verdictText(verdict: Verdict, colours: Colours): string {
  const paint = { pass: colours.green, fail: colours.red, unknown: colours.yellow }[verdict];
  return colours.bold(paint(verdict));
}

export function mark(verdict: Verdict, colours: Colours): string {
  return { pass: colours.green('ok'), fail: colours.red('FAIL'), unknown: colours.yellow('?') }[verdict];
}

function renderAmounts(report: RunReport): string {
  const { overAdmission, falseDenials, replay, contested, outcomes, sent, buckets } = report;
  const table = newTable(['correctness', 'value']);
  const { worst } = overAdmission;
  table.push(
    ['sent', `${sent} = ${OUTCOMES.map((outcome) => `${outcomes[outcome]} ${outcome}`).join(' + ')}`],
    ['total excess', `${tokens(overAdmission.totalExcess)} tokens`],
    [
      'worst window',
      worst === undefined ? 'none' : `${tokens(worst.worstWindow)} tokens above the bound (${worst.bucket})`,
    ],
    ['false denials', `${falseDenials.total} of ${falseDenials.judged} judged`],
    ['replay', `${replay.total} of ${replay.replayed} decisions are off`],
    [
      'contested',
      `${contested.buckets} of ${buckets} buckets; ${contested.busiest} of the ${contested.ofBusiest} busiest planned`,
    ],
  );
  return table.toString();
}

function renderRegions(latencies: readonly LatencyRow[]): string {
  const table = newTable(['region', 'outcome', 'requests', 'p50 ms', 'p99 ms', 'max ms']);
  const order = (row: LatencyRow) => `${row.region}/${OUTCOMES.indexOf(row.outcome)}`;
  for (const { region, outcome, latency } of latencies.toSorted((a, b) => order(a).localeCompare(order(b)))) {
    table.push([
      region,
      outcome,
      String(latency.count),
      ms(latency.p50Us),
      ms(latency.p99Us),
      ms(latency.maxUs),
    ]);
  }
  return table.toString();
}

export function newTable(head: string[]) {
  return new Table({ head, style: { head: [], border: [], compact: true } });
}

function ms(us: number): string {
  return (us / 1_000).toFixed(1);
}

function tokens(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : amount.toFixed(3);
}
