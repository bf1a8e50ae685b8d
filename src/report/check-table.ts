import pc from 'picocolors';
import { OUTCOMES } from '../history/operation.ts';
import { type CheckDocument, findingsOf, tokensText } from './check-report.ts';
import { mark, newTable, verdictText } from './table.ts';
import { renderTimeline } from './timeline.ts';

/** How many findings of a kind a terminal shows with their proof. */
const MOST_SHOWN = 3;

/** A judged history as text for a terminal: the verdict and its reasons, the evidence, then the proofs. */
export function renderCheckTable(document: CheckDocument, { colour }: { colour: boolean }): string {
  const colours = pc.createColors(colour);
  const { clock } = document;
  return [
    `${colours.bold('verdict')}  ${verdictText(document.verdict, colours)}`,
    ...document.judgements.map(({ verdict, reason }) => `  ${mark(verdict, colours)} ${reason}`),
    '',
    renderAmounts(document),
    renderEvidence('phase', document.phases),
    ...(document.regions.length > 1 ? [renderEvidence('region', document.regions)] : []),
    ...renderFindings(document),
    `policy   ${Object.entries(document.policies)
      .map(([name, policy]) => (name === '' ? policy : `${name} ${policy}`))
      .join(', ')}; initial level ${document.initial}; strategy ${document.strategy}`,
    `clock    against over-admission: + ${clock.epsilonUs} us, ${clock.rhoPpm} ppm; against false denials: - ${clock.epsilonUs + clock.backwardUs + clock.spreadUs} us, ${clock.slowPpm} ppm; ${clock.steps.length} steps`,
    `seed     ${document.seed}`,
    `again    ${document.command}`,
    '',
  ].join('\n');
}

function renderAmounts(document: CheckDocument): string {
  const { overAdmission, falseDenials, replay, windows, promise, contested } = document;
  const table = newTable(['correctness', 'value']);
  const asBucket = promise === 'token-bucket' ? '' : ' read as a token bucket';
  table.push(
    [
      'sent',
      `${document.sent} = ${OUTCOMES.map((outcome) => `${document.outcomes[outcome]} ${outcome}`).join(' + ')}`,
    ],
    [
      `total excess${asBucket}`,
      `${tokensText(overAdmission.totalExcess)} tokens in ${overAdmission.buckets} buckets; ${tokensText(overAdmission.largestExcess)} in one`,
    ],
    [
      'worst window',
      overAdmission.worst === undefined
        ? 'none'
        : `${tokensText(overAdmission.worst.worstWindow)} tokens above the bound (${overAdmission.worst.bucket})`,
    ],
    ...(promise === 'token-bucket'
      ? []
      : [[`windows above ${promise}`, `${windows.total} in ${windows.buckets} buckets`]]),
    [
      'false denials',
      `${falseDenials.total} of ${falseDenials.judged} judged${falseDenials.whyNot === '' ? '' : ` (${falseDenials.whyNot})`}`,
    ],
    ['replay', `${replay.total} of ${replay.replayed} decisions replayed are off`],
    ['contested', `${contested.buckets} of ${document.buckets} buckets`],
  );
  return table.toString();
}

function renderEvidence(kind: string, rows: CheckDocument['phases']): string {
  const table = newTable([
    kind,
    'operations',
    'admitted',
    'exact',
    'excess',
    'denied',
    'false',
    'failed',
    'info',
    'contested',
    'p50 ms',
    'p99 ms',
  ]);
  for (const row of rows) {
    const { allowed } = row.latency;
    table.push([
      row.name,
      String(row.operations),
      String(row.admitted),
      String(row.exactAdmitted),
      tokensText(row.excess),
      String(row.outcomes.denied),
      String(row.falseDenials),
      String(row.outcomes.failed),
      String(row.outcomes.info),
      String(row.contested),
      allowed === undefined ? '' : (allowed.p50Us / 1_000).toFixed(1),
      allowed === undefined ? '' : (allowed.p99Us / 1_000).toFixed(1),
    ]);
  }
  return table.toString();
}

function renderFindings(document: CheckDocument): string[] {
  return findingsOf(document).flatMap(([name, buckets, findings]) => {
    if (findings.length === 0) return [];
    const shown = findings.slice(0, MOST_SHOWN);
    const rest = buckets - shown.length;
    return [
      `${name}: ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}`,
      ...shown.flatMap(renderTimeline),
      ...(rest > 0 ? [`    ... and ${rest} more; --json has them`] : []),
      '',
    ];
  });
}
