import { escaped, renderMarkdownTable } from '../markdown.ts';
import { printable } from '../text.ts';
import type { TextTable } from '../text-table.ts';
import type { Scoreboard } from './scoreboard.ts';
import { figureTable, limiterTable, scoreboardNotes, scoreboardTable } from './scoreboard-text.ts';

/** The scoreboard as Markdown: how to read it, the table, the limiters, the figures, the proofs. */
export function renderScoreboardMarkdown(untrusted: Scoreboard): string {
  const board = printable(untrusted);
  return [
    '# Scoreboard',
    '',
    ...INTRODUCTION,
    '',
    escaped(madeBy(board)),
    '',
    ...tableOf(scoreboardTable(board)),
    '',
    ...scoreboardNotes(board).map((note) => `- ${escaped(note)}`),
    '',
    '## Scenarios',
    '',
    ...tableOf({
      head: ['scenario', 'what it asks'],
      rows: board.scenarios.map(({ id, about }) => [id, about]),
    }),
    '',
    '## Limiters',
    '',
    ...tableOf(limiterTable(board)),
    '',
    '## Figures',
    '',
    ...tableOf(figureTable(board)),
    '',
    '## Proofs',
    '',
    ...proofs(board),
    '',
  ].join('\n');
}

function proofs({ cells }: Scoreboard): readonly string[] {
  const lines = cells.flatMap(({ limiter, scenario, witness, command }) => {
    if (witness === null) return [];
    const proof = `**${escaped(limiter)}, ${escaped(scenario)}**: ${escaped(witness.bucket)}: ${escaped(witness.text)}`;
    return [`- ${proof}. Again: \`${command.replaceAll('`', "'")}\``];
  });
  return lines.length === 0 ? ['None.'] : lines;
}

const INTRODUCTION = [
  'Limiters in several languages, each behind the same Rating services in three regions, with the same load and the same',
  'faults. Each is set up as its documentation says and judged by its own promise; the worst figures of our strategies',
  'stand in the same table. `scoreboard.json` beside this page has every figure, proof and digest.',
  '',
  'How to read a cell:',
  '',
  '- `kept`: the run found nothing against its promise, or, of a strategy of ours, nothing beyond its declared bound',
  '  and no false denial while nothing is broken.',
  '- `broken`: the run proves that more was admitted, or a request falsely denied, and the promise is for this scenario.',
  '- `exceeded`: the same, but the documentation says nothing about such a scenario. Measured, and not held against it.',
  '- `unknown`: too little evidence. `-`: it was not run. The reasons are below the table.',
  '- `+3`: what the worst user was given above the promise: requests in the worst window of a promise of windows, else',
  '  tokens.',
  '',
  'What a cell does not mean: each is one run, with one seed, on one machine, in the setting that is shown. `kept` says',
  'that nothing was found, not that nothing can happen. Latency and availability, the share of requests that were allowed or',
  'denied as the mean of the regions, depend on the machine and on the settings of the client. A cell says what was measured,',
  'not what anybody did wrong. To run or to contest one: docs/scoreboard.md.',
];

function madeBy({ program, machine, command, cells }: Scoreboard): string {
  const ran = cells.filter(({ startedAt }) => startedAt !== '');
  const dates = ran.map(({ startedAt }) => startedAt.slice(0, 10)).toSorted();
  const all = [...new Set(ran.map(({ system }) => system))];
  const systems = all.filter((one) => !all.some((other) => one.startsWith(`${other}, `))); // with more services
  const when = dates.length === 0 ? [] : [[...new Set([dates[0], dates.at(-1)])].join(' to ')];
  return `${[program, ...systems, machine, ...when].join('; ')}. Last command: ${command}`;
}

function tableOf({ head, rows }: TextTable): string[] {
  return renderMarkdownTable(head, rows, ['documentation']);
}
