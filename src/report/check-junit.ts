import { type CheckDocument, findingsOf } from './check-report.ts';
import { renderTimeline } from './timeline.ts';

/** A judged history as JUnit XML: one test case for each reason of the verdict, proofs in the output. */
export function renderCheckJunit(document: CheckDocument): string {
  const { judgements } = document;
  const count = (verdict: string) => judgements.filter((judgement) => judgement.verdict === verdict).length;
  const proofs = findingsOf(document).flatMap(([name, , findings]) =>
    findings.length === 0 ? [] : [name, ...findings.slice(0, 5).flatMap(renderTimeline)],
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="openclaw-rl check" tests="${judgements.length}" failures="${count('fail')}" errors="0" skipped="${count('unknown')}">`,
    ...judgements.map(({ verdict, reason }) => {
      const inside = {
        pass: '',
        fail: `<failure message="${xml(reason)}"/>`,
        unknown: `<skipped message="${xml(reason)}"/>`,
      };
      return `  <testcase classname="check" name="${xml(reason)}">${inside[verdict]}</testcase>`;
    }),
    ...(proofs.length === 0 ? [] : [`  <system-out>${xml(proofs.join('\n'))}</system-out>`]),
    '</testsuite>',
    '',
  ].join('\n');
}

/** Control characters are not allowed in XML, not even escaped. */
function xml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  const printable = text.replace(/\p{Cc}/gu, (c) => (c === '\n' || c === '\t' ? c : '?'));
  return printable.replace(/[&<>"]/g, (c) => names[c] ?? c);
}
