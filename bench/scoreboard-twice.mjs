// Compares two boards of one version: npm run bench:scoreboard-twice -- FIRST SECOND (two files scoreboard.json)
//
// It writes docs/results/scoreboard-twice.md, and the second board without its proofs beside it, so that
// `scoreboard --compare` can be run on both.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdownTable } from '../dist/report/markdown.js';
import { changesBetween, changesSentence, isJudged } from '../dist/report/scoreboard/changes.js';
import { cellOf } from '../dist/report/scoreboard/merge-boards.js';
import { parseScoreboard } from '../dist/report/scoreboard/parse-scoreboard.js';
import { CELL_STATUSES } from '../dist/report/scoreboard/scoreboard.js';

const RESULTS = join(import.meta.dirname, '../docs/results');
const [first, second] = process.argv
  .slice(2)
  .map((file) => parseScoreboard(readFileSync(file, 'utf8'), file));
if (second === undefined) throw new Error('name two files scoreboard.json');

const keyOf = ({ limiter, scenario }) => `${limiter} in ${scenario}`;
const pairs = first.cells.flatMap((before) => {
  const after = cellOf(second.cells, before.limiter, before.scenario);
  return after === undefined ? [] : [{ before, after }];
});
const changes = changesBetween(first, second);
const table = (head, rows) => renderMarkdownTable(head, rows).join('\n');

/** The row of a figure: how far it differs in all of these cells, and where it does most. `values`: of each cell its key and how far. */
function spread(name, values, text) {
  const sorted = values.toSorted(([, one], [, other]) => one - other);
  const [median, most] = [0.5, 0.9].map((share) => sorted[Math.round((sorted.length - 1) * share)][1]);
  const [key, largest] = sorted.at(-1);
  return [name, String(values.length), text(median), text(most), `${text(largest)}, ${key}`];
}

const LOST =
  'a replica takes over without the last admissions; how many of them, and whether a window shows it, is chance';
const CLOCK =
  'the limiter sends the clock of its service with each command; a command that waits has an old one';
const STALE =
  'admissions beyond the promise in both; in the first also 7 and 24 false denials, by replicas that had an older level';
const EARLY =
  'the key of the window before expires 3 s early; whether its count is still wanted depends on where in a window the clock steps';
/** Why cells changed between the boards of 2026-11-29, of 16:13 and of 20:03. */
const WHY = {
  'async-ratelimiter in partition': LOST,
  'koa-ratelimit in partition': LOST,
  'redis-gcra in partition': LOST,
  'redis-gcra in failover': 'the first has one false denial of 4,667; no admission too many in either',
  'upstash-sliding-window in clock-step': EARLY,
  'redis-gcra in store-outage': CLOCK,
  'haproxy-stick-table in restart': 'one request too many in one window, as in healthy in both',
  'replica-reads in three-instances': STALE,
  'replica-reads in hot-user': STALE,
};

const figureOf = ({ status, figures }) => {
  if (figures === null) return status;
  const { excess, decided } = figures;
  const parts = [
    status,
    ...(excess.tokens > 0 ? [`+${Math.round(10 * excess.tokens) / 10}`] : []),
    ...(decided === null ? [] : [`${(100 * decided).toFixed(0)}% answered`]),
  ];
  return parts.join(', ');
};

const CHANGED = ['limiter', 'scenario', 'first', 'second'];
const rowsOf = (wanted) =>
  wanted.map((change) => {
    const { limiter, scenario } = change;
    const [before, after] = [first, second].map(({ cells }) => cellOf(cells, limiter, scenario));
    const why = WHY[keyOf(change)] ?? (before.reason || after.reason);
    return [limiter, scenario, figureOf(before), figureOf(after), why];
  });

const both = pairs.filter(({ before, after }) => isJudged(before) && isJudged(after));
const worst = both.filter(({ before, after }) => before.status !== 'kept' && after.status !== 'kept');
const difference = (cells, of) =>
  cells.map(({ before, after }) => [keyOf(after), Math.abs(of(after.figures) - of(before.figures))]);
const ratio = (of) =>
  both.flatMap(({ before, after }) => {
    const [one, other] = [of(before.figures), of(after.figures)].toSorted((a, b) => a - b);
    return one > 0 ? [[keyOf(after), other / one]] : [];
  });

const counted = CELL_STATUSES.map((before) => {
  const of = (after) => pairs.filter((pair) => pair.before.status === before && pair.after.status === after);
  return [before, ...CELL_STATUSES.map((after) => String(of(after).length))];
});
/** Cells of these scenarios of limiters on the cluster, of which a fault may miss every key, were measured again from then on. */
const AGAIN = { from: '2026-11-29T23', scenarios: ['failover', 'clock-step'] };
const isAgain = ({ scenario, startedAt }) => startedAt >= AGAIN.from && AGAIN.scenarios.includes(scenario);
const spanOf = (cells) => {
  const starts = cells.flatMap(({ startedAt }) => (startedAt === '' ? [] : [startedAt])).toSorted();
  return `${starts[0]?.slice(0, 16)} to ${starts.at(-1)?.slice(0, 16)}`;
};
const wholeOf = ({ cells }) => spanOf(cells.filter((cell) => !isAgain(cell)));
const again = [first, second].map(({ cells }) => cells.filter(isAgain));
const machine =
  first.machine === second.machine
    ? `${first.machine}, both times`
    : `${first.machine}, then ${second.machine}`;

const page = `# Does the scoreboard come out the same twice?

The whole [scoreboard](scoreboard.md) was run twice, with the same limiters, versions, scenarios and seed: the first from ${wholeOf(first)}, the second from ${wholeOf(second)} (UTC). Machine: ${machine}. Each board was measured by two commands at once, each with half of the limiters, which keep both processors busy; cells with too little evidence were run once more. Beside the first, files were edited and short tests ran; beside the second, next to nothing did.

The ${again[0].length} cells of \`failover\` and \`clock-step\` of limiters on the cluster were measured again, once a run noticed [a fault of a node that no key is on](../faults.md#was-the-fault-in-force): those of the first board from ${spanOf(again[0])}, those of the second from ${spanOf(again[1])}.

**${changesSentence(changes)}.**

\`\`\`sh
openclaw-rl scoreboard --compare docs/results/scoreboard.json docs/results/scoreboard-second.json
\`\`\`

\`scoreboard-second.json\` is the second board without its proofs.

The rows are the first board, the columns the second:

${table(['', ...CELL_STATUSES], counted)}

## Cells that changed their status

${table([...CHANGED, ''], rowsOf(changes.changed))}

Keys that differ in a digit and then end alike, as those of \`python-limits-*\`, have slots close together: in some runs none of the 20 users is on the node of the fault. Such a cell is \`unknown\`, and was measured once more; in \`partition\`, which cuts off services of a region too, it stays \`kept\`.

## Cells with a verdict in one board only

${table([...CHANGED, 'reason of the one without'], rowsOf(changes.onlyOne))}

## How far figures differ

The difference of the two boards in cells with a verdict in both; of latencies the larger by the smaller.

${table(
  ['figure', 'cells', 'median', 'of nine in ten at most', 'most'],
  [
    spread(
      'worst user above the promise, requests or tokens, where both boards have an excess',
      difference(worst, ({ excess }) => excess.tokens),
      (value) => value.toFixed(1),
    ),
    spread(
      'share answered',
      difference(both, ({ decided }) => decided ?? 0),
      (value) => `${(100 * value).toFixed(1)} points`,
    ),
    spread(
      'p50 of an admission, ratio',
      ratio(({ p50Us }) => p50Us ?? 0),
      (value) => value.toFixed(2),
    ),
    spread(
      'p99 of an admission, ratio',
      ratio(({ p99Us }) => p99Us ?? 0),
      (value) => value.toFixed(2),
    ),
  ],
)}

## What CI checks

\`test/runs/scoreboard-kept.test.ts\` runs three cells of the first board again: one that is kept, one broken, one exceeded, with services that are killed. Their status does not depend on chance: one counts before it admits, one admits a request too many in every window, one has a counter in each region.
`;
const kept = { ...second, cells: second.cells.map((cell) => ({ ...cell, witness: null })) };
writeFileSync(join(RESULTS, 'scoreboard-second.json'), `${JSON.stringify(kept)}\n`);
writeFileSync(join(RESULTS, 'scoreboard-twice.md'), page);
process.stdout.write(`${changesSentence(changes)}\n`);
