// Draws the pictures of docs/ from real runs: an access log of nginx, and the history of a run with a partition.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { judgeHistory } from '../dist/checker/judge-history.js';
import { HistoryReader } from '../dist/history/reader.js';

const DOCS = join(import.meta.dirname, '../docs');
const WIDTH = 760;
const LEFT = 64;
const RIGHT = 16;
const ROW_HEIGHT = 62;
/** What `check` grants to a limiter whose clock was not read. */
const CLOCK_SLACK_US = 1_000;

/** A picture as text; colours are distinct in dark mode, too, and no fact is shown by colour alone. */
function svg(height, title, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12">
<style>
  svg { --ink: #1f2328; --faint: #d1d9e0; --back: #ffffff; --good: #0969da; --bad: #cf222e; --shade: #9a670022; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #3d444d; --back: #0d1117; --good: #58a6ff; --bad: #ff7b72; --shade: #d2992233; }
  }
  text { fill: var(--ink); }
  .axis { stroke: var(--faint); fill: none; }
  .limit { stroke: var(--ink); fill: none; stroke-dasharray: 6 4; stroke-width: 1.5; }
  .good { stroke: var(--good); fill: none; stroke-width: 2; }
  .bad { stroke: var(--bad); fill: none; stroke-width: 4; }
  .shade { fill: var(--shade); }
</style>
<rect width="${WIDTH}" height="${height}" fill="var(--back)"/>
<text x="${LEFT}" y="20" font-weight="600">${title}</text>
${parts.join('\n')}
</svg>
`;
}

const round = (value) => Math.round(value * 10) / 10;

/** Places values of [from, to] on [start, end]. */
const scale = (from, to, start, end) => (value) =>
  round(start + ((value - from) / (to - from)) * (end - start));

const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${words}</text>`;
const line = (kind, x1, y1, x2, y2) => `<path class="${kind}" d="M${x1} ${y1}L${x2} ${y2}"/>`;

/** What `check` says of the access log, so that the picture has its numbers. */
function checkOfNginx() {
  const program = join(import.meta.dirname, '../bin/openclaw-rl');
  const log = join(DOCS, 'examples/nginx-access.log.gz');
  const fields = '--key api_key --end msec --duration request_time --unit s --status status --policy 20:5/s';
  const args = ['check', log, '--from', 'access-log', ...fields.split(' '), '--json'];
  return JSON.parse(spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 }).stdout);
}

/** The allowed requests of one bucket against what capacity and refill allow within the same time. */
function theorem() {
  const [finding] = checkOfNginx().overAdmission.findings;
  const operations = finding.witness.toSorted((a, b) => a.lastUs - b.lastUs);
  const startUs = Math.min(...operations.map(({ invokedUs }) => invokedUs));
  const endUs = operations.at(-1).lastUs;
  const height = 340;
  const x = scale(0, endUs - startUs, LEFT, WIDTH - RIGHT - 60);
  const y = scale(0, 22, height - 40, 40);
  const allowance = (us) => 20 + (5 * (us + CLOCK_SLACK_US)) / 1e6;
  const bars = operations.map(({ invokedUs, lastUs }, at) => {
    const isTooMuch = at + 1 > allowance(lastUs - startUs);
    return line(
      isTooMuch ? 'bad' : 'good',
      x(invokedUs - startUs),
      y(at + 1),
      x(lastUs - startUs),
      y(at + 1),
    );
  });
  const length = endUs - startUs;
  const words = `${operations.length} admitted, ${allowance(length).toFixed(3)} allowed`;
  return svg(
    height,
    `Bucket ${finding.bucket}: every request admitted wholly within ${(length / 1e6).toFixed(3)} s`,
    [
      ...[0, 5, 10, 15, 20].map(
        (count) =>
          line('axis', LEFT, y(count), WIDTH - RIGHT, y(count)) +
          text(LEFT - 8, y(count) + 4, count, 'text-anchor="end"'),
      ),
      ...[0, 25, 50, 75, 100].map((ms) =>
        text(x(1_000 * ms), height - 22, `${ms} ms`, 'text-anchor="middle"'),
      ),
      line('limit', x(0), y(allowance(0)), x(length), y(allowance(length))),
      text(x(2_000), y(20) - 10, 'capacity 20 + 5/s × (time + 1 ms): no ideal bucket goes above'),
      ...bars,
      text(WIDTH - RIGHT, y(operations.length) - 6, words, 'text-anchor="end" font-weight="600"'),
      text(
        LEFT,
        height - 6,
        'a bar: from when a request was sent until its answer had come; its height: how many by then',
      ),
    ],
  );
}

/** The effect of a partition: rates by region, and one bucket that a takeover gave away. */
function partition() {
  const bucket = 'ratings:u5';
  const { records, worst } = readPartition();
  if (worst?.bucket !== bucket) throw new Error(`the bucket to draw is ${worst?.bucket}`);
  const { regions } = records[0];
  const operations = records.filter(({ type }) => type === 'op');
  const startUs = Math.min(...operations.map(({ invokedUs }) => invokedUs));
  const seconds = 21;
  const x = scale(0, seconds, LEFT, WIDTH - RIGHT);
  const at = (us) => x((us - startUs) / 1e6);
  const fault = (phase) => at(records.find((each) => each.type === 'fault' && each.phase === phase).atUs);
  const takeover = records.find((each) => each.event === 'role' && each.args?.to === 'primary');
  const top = 56;
  const rows = regions.flatMap((region, row) => {
    const of = operations.filter((each) => each.region === region);
    return drawRates(of, { region, base: top + (row + 1) * ROW_HEIGHT - 14, x, seconds, startUs });
  });
  const bucketTop = top + regions.length * ROW_HEIGHT + 40;
  const bucketBase = bucketTop + 150;
  const y = scale(-5, 32, bucketBase, bucketTop);
  const height = bucketBase + 44;
  return svg(height, 'A partition of eu-west: answers a second, by region', [
    `<rect class="shade" x="${fault('inject')}" y="30" width="${round(fault('heal') - fault('inject'))}" height="${bucketBase - 30}"/>`,
    text(fault('inject') + 6, 44, 'eu-west is cut off'),
    line('limit', at(takeover.atUs), 48, at(takeover.atUs), bucketBase),
    text(at(takeover.atUs) + 6, 58, `${takeover.node} takes over`),
    ...rows,
    text(
      LEFT,
      bucketTop - 12,
      `Bucket ${bucket}: tokens admitted since the start, less 5/s × time`,
      'font-weight="600"',
    ),
    line('limit', LEFT, y(20), WIDTH - RIGHT, y(20)),
    text(LEFT + 6, y(20) - 6, 'capacity 20: above this are tokens that no ideal bucket had'),
    drawAdmitted(
      operations.filter((each) => each.bucket === bucket),
      { at, y },
    ),
    ...[0, 5, 10, 15, 20].map((second) =>
      text(x(second), bucketBase + 18, `${second} s`, 'text-anchor="middle"'),
    ),
    text(
      LEFT,
      height - 6,
      `solid: allowed and denied; dashed: failed or without a reply; worst window ${worst.worstWindow.toFixed(3)} tokens too many`,
    ),
  ]);
}

function readPartition() {
  const lines = gunzipSync(readFileSync(join(DOCS, 'pictures/partition.ndjson.gz')));
  const reader = new HistoryReader();
  reader.startFile('partition');
  reader.push(lines);
  reader.endFile();
  const { worst } = judgeHistory(reader.finish()).overAdmission;
  const texts = lines.toString('utf8').trim().split('\n');
  return { records: texts.map((each) => JSON.parse(each)), worst };
}

/** Answers of one region in each second. */
function drawRates(operations, { region, base, x, seconds, startUs }) {
  const y = scale(0, 60, base, base - ROW_HEIGHT + 18);
  const path = (outcomes) => {
    const counts = Array.from({ length: seconds }, () => 0);
    for (const { outcome, invokedUs } of operations) {
      const second = Math.floor((invokedUs - startUs) / 1e6);
      if (outcomes.includes(outcome) && second < seconds) counts[second]++;
    }
    return counts
      .map((count, second) => `${second === 0 ? 'M' : 'L'}${x(second)} ${y(count)}H${x(second + 1)}`)
      .join('');
  };
  return [
    line('axis', LEFT, base, WIDTH - RIGHT, base),
    text(LEFT - 6, base - 14, region, 'text-anchor="end"'),
    `<path class="good" d="${path(['allowed', 'denied'])}"/>`,
    `<path class="bad" stroke-dasharray="3 2" style="stroke-width:2" d="${path(['failed', 'info'])}"/>`,
  ];
}

/** Tokens that one bucket admitted, minus its refill. */
function drawAdmitted(operations, { at, y }) {
  const admitted = operations
    .filter(({ outcome }) => outcome === 'allowed')
    .toSorted((a, b) => a.completedUs - b.completedUs);
  let tokens = 0;
  const firstUs = Math.min(...admitted.map(({ invokedUs }) => invokedUs));
  const level = admitted.flatMap(({ completedUs, cost }) => {
    const before = y(tokens - (5 * (completedUs - firstUs)) / 1e6);
    tokens += cost;
    return [`L${at(completedUs)} ${before}`, `V${y(tokens - (5 * (completedUs - firstUs)) / 1e6)}`];
  });
  return `<path class="good" d="M${at(firstUs)} ${y(0)}${level.join('')}"/>`;
}

writeFileSync(join(DOCS, 'pictures/theorem.svg'), theorem());
writeFileSync(join(DOCS, 'pictures/partition.svg'), partition());
