import { type CheckDocument, findingsOf, tokensText } from './check-report.ts';
import { renderTimeline } from './timeline.ts';

/** How many findings of a kind are shown with their proof. */
const MOST_SHOWN = 5;

/** A judged history as Markdown, for a pull request or a step summary. */
export function renderCheckMarkdown(document: CheckDocument): string {
  const { overAdmission, falseDenials, replay, contested, buckets } = document;
  return [
    `# openclaw-rl check: ${document.verdict}`,
    '',
    ...document.judgements.map(({ verdict, reason }) => `- **${verdict}** ${escaped(reason)}`),
    '',
    '| | |',
    '| --- | --- |',
    `| total excess | ${tokensText(overAdmission.totalExcess)} tokens in ${overAdmission.buckets} buckets |`,
    `| worst window | ${overAdmission.worst === undefined ? 'none' : `${tokensText(overAdmission.worst.worstWindow)} tokens`} |`,
    `| false denials | ${falseDenials.total} of ${falseDenials.judged} judged |`,
    `| replay | ${replay.total} of ${replay.replayed} decisions are off |`,
    `| contested | ${contested.buckets} of ${buckets} buckets |`,
    '',
    '| phase | operations | admitted | exact bucket | excess | denied | false | failed | info |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...[...document.phases, ...(document.regions.length > 1 ? document.regions : [])].map(
      ({ name, operations, admitted, exactAdmitted, excess, outcomes, falseDenials: wrong }) =>
        `| ${escaped(name)} | ${operations} | ${admitted} | ${exactAdmitted} | ${tokensText(excess)} | ${outcomes.denied} | ${wrong} | ${outcomes.failed} | ${outcomes.info} |`,
    ),
    '',
    ...findingsOf(document).flatMap(([name, , findings]) =>
      findings.length === 0
        ? []
        : [`## ${name}`, '', '```text', ...findings.slice(0, MOST_SHOWN).flatMap(renderTimeline), '```', ''],
    ),
    `Seed ${document.seed}; again: \`${document.command}\``,
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[|<>`*_]/g, '\\$&');
}
