import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, findingsOf, simulatedText, titleOf } from './check-report.ts';
import { shownOf } from './shown.ts';
import { printable } from './text.ts';
import { renderTimeline } from './timeline.ts';

/** One test case. Its name is the same in every run: the claim as it is asked. */
interface TestCase {
  readonly name: string;
  readonly status: 'holds' | 'broken' | 'unknown';
  /** Of a claim its kind, else `evidence`. */
  readonly type: string;
  readonly reasons: readonly string[];
}

/**
 * A judged history or run as JUnit XML: one test case for each claim and two for the recording, with proofs in the
 * output. Names and their order do not depend on the result, so that CI can follow a test from run to run. An unknown
 * claim is an error, because CI shows skipped cases as green. All cases are judged together, after the load: `time` of
 * the suite is the length of the load, that of a case is 0. The elements and attributes are those of Ant's JUnit schema.
 */
export function renderJunit(untrusted: Document): string {
  const document = printable(untrusted);
  const cases = listCases(document);
  const count = (status: TestCase['status']) => cases.filter((one) => one.status === status).length;
  const title = xml(titleOf(document));
  const { startedAt, lengthS } = timesOf(document);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `<testsuite name="${title}" package="openclaw-rl" id="0" hostname="localhost"${startedAt} time="${lengthS}" ` +
      `tests="${cases.length}" failures="${count('broken')}" errors="${count('unknown')}" skipped="0">`,
    '  <properties>',
    ...propertiesOf(document).map(
      ([name, value]) => `    <property name="${xml(name)}" value="${xml(value)}"/>`,
    ),
    '  </properties>',
    ...cases.map((one) => renderCase(title, one)),
    `  <system-out>${xml(proofsOf(document).join('\n'))}</system-out>`,
    '  <system-err></system-err>',
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

const ACCOUNTS = 'all requests are accounted for';
const EVIDENCE = 'nothing weakens the evidence';

function listCases({ claims, accounts }: Document): TestCase[] {
  const [account, ...troubles] = accounts;
  return [
    ...claims.map(({ claim, status, kind, reason }) => ({
      name: claim,
      status,
      type: kind,
      reasons: [reason],
    })),
    ofRecording(ACCOUNTS, account === undefined ? [] : [account]),
    ofRecording(EVIDENCE, troubles),
  ];
}

function ofRecording(name: string, judged: Document['accounts']): TestCase {
  const isKnown = judged.every(({ verdict }) => verdict === 'pass');
  return {
    name,
    status: isKnown ? 'holds' : 'unknown',
    type: 'evidence',
    reasons: judged.map(({ reason }) => reason),
  };
}

/** ISO 8601 in UTC, without the zone that Ant's schema does not allow; absent if the history does not say it. */
function timesOf(document: Document) {
  const startedMs = Date.parse(document.startedAt ?? '');
  const startedAt = Number.isNaN(startedMs) ? '' : new Date(startedMs).toISOString().slice(0, 19);
  const lengthUs = document.format === 'openclaw-check' ? document.whole.lengthUs : 1_000 * document.loadMs;
  return {
    startedAt: startedAt === '' ? '' : ` timestamp="${startedAt}"`,
    lengthS: (Math.max(0, lengthUs) / 1_000_000).toFixed(3),
  };
}

function propertiesOf(document: Document): [string, string][] {
  return [
    ['verdict', `${document.verdict}${simulatedText(document)}`],
    ['strategy', document.strategy],
    ...(document.simulated ? [['simulated', 'true'] as [string, string]] : []),
    ['seed', String(document.seed)],
    ['command', document.command],
    ...(document.reasons ?? []).map(({ reason }): [string, string] => ['reason', reason]),
  ];
}

function proofsOf(document: Document): string[] {
  return [
    ...listCases(document).flatMap(({ status, reasons }) =>
      status === 'holds' ? reasons.map((reason) => `ok ${reason}`) : [],
    ),
    ...listRemarks(document).map(({ label, sentence }) => `${label} ${sentence}`),
    ...(document.assumptions ?? []).map((sentence) => `assumes ${sentence}`),
    ...findingsOf(document).flatMap(([name, , findings]) =>
      findings.length === 0
        ? []
        : [name, ...shownOf(findings, 5).flatMap((finding) => renderTimeline(finding))],
    ),
  ];
}

function renderCase(title: string, { name, status, type, reasons }: TestCase): string {
  const head = `  <testcase classname="${title}" name="${xml(name)}" time="0"`;
  if (status === 'holds') return `${head}/>`;
  const tag = status === 'broken' ? 'failure' : 'error';
  const text = xml(reasons.join('; '));
  return `${head}><${tag} type="${type}" message="${text}">${text}</${tag}></testcase>`;
}

/** Expects text without control characters and lone surrogates: XML does not allow them, even escaped. */
function xml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[\uFFFE\uFFFF]/g, '?').replace(/[&<>"]/g, (c) => names[c] ?? c);
}
