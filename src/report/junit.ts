import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, findingsOf, reasonsOf, titleOf } from './check-report.ts';
import { printable } from './text.ts';
import { renderTimeline } from './timeline.ts';

type TestCase = ReturnType<typeof reasonsOf>[number];

/**
 * A judged history or run as JUnit XML: one test case for each claim and for the accounts, with proofs in the output. An
 * unknown claim is an error, because CI shows skipped cases as green.
 */
export function renderJunit(untrusted: Document): string {
  const document = printable(untrusted);
  const cases = reasonsOf(document);
  const count = (status: TestCase['status']) => cases.filter((one) => one.status === status).length;
  const proofs = [
    ...listRemarks(document).map(({ label, sentence }) => `${label} ${sentence}`),
    ...(document.assumptions ?? []).map((sentence) => `assumes ${sentence}`),
    ...findingsOf(document).flatMap(([name, , findings]) =>
      findings.length === 0 ? [] : [name, ...findings.slice(0, 5).flatMap(renderTimeline)],
    ),
  ];
  const title = xml(titleOf(document));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="${title}" tests="${cases.length}" failures="${count('broken')}" errors="${count('unknown')}" skipped="0">`,
    ...cases.map((one) => renderCase(title, one)),
    ...(proofs.length === 0 ? [] : [`  <system-out>${xml(proofs.join('\n'))}</system-out>`]),
    '</testsuite>',
    '',
  ].join('\n');
}

function renderCase(title: string, { name, status, reason }: TestCase): string {
  const inside = {
    holds: '',
    broken: `<failure message="${xml(reason)}"/>`,
    unknown: `<error message="${xml(reason)}"/>`,
  };
  return `  <testcase classname="${title}" name="${xml(name)}">${inside[status]}</testcase>`;
}

/** Expects text without control characters and lone surrogates: XML does not allow them, even escaped. */
function xml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[\uFFFE\uFFFF]/g, '?').replace(/[&<>"]/g, (c) => names[c] ?? c);
}
