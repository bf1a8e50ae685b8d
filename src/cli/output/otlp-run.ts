import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { printable } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import type { Collector, Sent } from '../../otlp/send-run.ts';
import type { OriginSource } from '../../otlp/sent-run.ts';
import type { Evidence } from '../../report/html/run-page.ts';
import type { RunReport } from '../../report/report.ts';
import type { Environment } from '../process/environment.ts';
import { VERSION } from '../process/version.ts';

interface KeptEvidence {
  readonly report: RunReport;
  readonly folder: string;
  readonly evidence: Evidence | undefined;
}

/** Sends a kept run to a collector and says what it took. Only this function loads OpenTelemetry. Throws ENVIRONMENT_FAILED. */
export async function sendKeptRun(
  { report, folder, evidence }: KeptEvidence,
  collector: Collector,
  { log, out }: Environment,
): Promise<void> {
  const { sendRun } = await import('../../otlp/send-run.ts');
  const name = basename(await realpath(folder)); // reports/latest is a link
  log(`sending ${printable(name)} to ${printable(collector.url)}\n`); // retries can take seconds
  const sent = await sendRun({ name, report, evidence, version: VERSION }, collector);
  if (evidence === undefined) log('note: the history of this run is missing, so only totals were sent\n');
  for (const warning of sent.warnings) log(`note: ${warning}\n`);
  const note = ORIGIN_NOTES[sent.origin];
  if (note !== undefined) log(`note: ${note}\n`);
  out(`${describe(sent, name, collector.url)}\n`);
}

const ORIGIN_NOTES: Readonly<Record<OriginSource, string | undefined>> = {
  report: undefined,
  servers: 'dates are by the clocks of the Redis nodes: the report has none',
  start: 'dates can be up to a minute too early: the report has only the time at which the run was started',
};

function describe({ traces, metrics }: Sent, name: string, url: string): string {
  return [
    `sent ${printable(name)} to ${printable(url)}`,
    ...(traces ? [`trace ${traces.traceId}: ${count(traces.spans, 'span')}`] : []),
    ...(metrics ? [`${count(metrics.metrics, 'metric')}: ${count(metrics.points, 'point')}`] : []),
  ].join('\n  ');
}
