import { escaped, renderMarkdownTable } from '../report/markdown.ts';
import { printable, tokensText } from '../report/text.ts';
import type { TextTable } from '../report/text-table.ts';
import { type HuntDocument, type HuntedCase, type HuntStatus, huntStatus } from './hunt-document.ts';
import { type Aim, isFound, type Outcome } from './outcome.ts';

/** How bad a schedule was, in words. */
export function outcomeText(outcome: Outcome, aim: Aim = 'excess'): string {
  const { excess, bound, lacking } = outcome;
  if (aim === 'availability') return `${lostText(outcome)} decisions lost a second`;
  const measured = `excess ${tokensText(excess)}`;
  if (bound === null) return `${measured}, no bound declared`;
  const text = `${measured} of ${tokensText(bound)} allowed`;
  if (isFound(outcome)) return `${text}: above`;
  return excess > 0 ? text : `${text}, ${tokensText(lacking)} below an excess`;
}

/** A row for each kept schedule. */
export function huntTable(untrusted: HuntDocument): TextTable {
  const { worst, searched, for: aim } = printable(untrusted);
  const ofSearch = searched === 'real' ? [] : ['simulated'];
  const lost = aim === 'availability' ? ['lost a second'] : [];
  return {
    head: ['scenario', 'faults', 'users', 'requests', ...lost, 'excess', 'allowed', ...ofSearch, 'real'],
    spare: ['requests', 'users'],
    rows: worst.map((each) => [
      each.scenario,
      each.faults.join(', ') || 'none',
      String(each.users),
      String(each.outcome.requests),
      ...lost.map(() => lostText(each.outcome)),
      tokensText(each.outcome.excess),
      each.outcome.bound === null ? 'any' : tokensText(each.outcome.bound),
      ...(searched === 'real' ? [verdictText(each)] : [verdictText(each), each.real?.status ?? 'not run']),
    ]),
  };
}

function lostText({ lostPerSecond }: Outcome): string {
  return lostPerSecond.toFixed(1);
}

function verdictText({ isFound, outcome }: HuntedCase): string {
  return isFound ? 'above' : outcome.bound === null ? 'undeclared' : 'within';
}

/** What the hunt came to, in one sentence. */
export function huntSentence(document: HuntDocument): string {
  const { strategy, schedules, searched, seed } = printable(document);
  const what = `${strategy}, seed ${seed}: ${schedules} ${searched} schedules`;
  return `${what}: ${SENTENCES[huntStatus(document)]}`;
}

const SENTENCES: Readonly<Record<HuntStatus, string>> = {
  found: 'more was admitted than is allowed, on a real cluster',
  'not confirmed': 'more was admitted than is allowed, in simulation only: not confirmed on a real cluster',
  incomplete: 'nothing above what is allowed, but some schedules have no outcome',
  nothing: 'nothing above what is allowed; other schedules may do more',
};

/** Sentences on shrinking, on real runs, and on schedules without an outcome. */
export function huntNotes(untrusted: HuntDocument): string[] {
  const { worst, failed } = printable(untrusted);
  return [
    ...worst.flatMap((each) => {
      const more = shrunkText(each);
      return more === '' ? [] : [`${each.scenario}: shrunk from ${more}`];
    }),
    ...worst.flatMap(({ scenario, real }) =>
      real === undefined ? [] : [`${scenario}: ${real.status}: ${real.reason}`],
    ),
    ...failed.map(({ scenario, reason }) => `${scenario}: no outcome: ${reason}`),
  ];
}

/** What the schedule had more of before it was shrunk; empty if only its times or its numbers differ. */
function shrunkText({ faults, users, outcome, shrunkFrom: from }: HuntedCase): string {
  if (from === undefined) return '';
  const more = [
    ...(from.faults > faults.length ? [countText(from.faults, 'fault')] : []),
    ...(from.users > users ? [countText(from.users, 'user')] : []),
    ...(from.requests > outcome.requests ? [countText(from.requests, 'request')] : []),
  ].join(', ');
  if (more === '' || from.excess <= outcome.excess) return more;
  return `${more} with an excess of ${tokensText(from.excess)}`;
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function renderHuntMarkdown(document: HuntDocument): string {
  const { head, rows } = huntTable(document);
  return [
    `# ${escaped(huntSentence(document))}`,
    '',
    ...renderMarkdownTable(head, rows),
    '',
    ...huntNotes(document).map((note) => `- ${escaped(note)}`),
    '',
    'Again:',
    '',
    '```sh',
    document.command.replaceAll('`', ''),
    '```',
    '',
  ].join('\n');
}
