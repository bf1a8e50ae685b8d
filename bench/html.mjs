// Measures the speed of the page of a run of 1,000,000 operations: npm run bench:html [-- --operations 150000]
//
// The history is generated: exact buckets, of which two lose their spends during a fault. It measures the time to make
// the page, its size and, in headless Chromium from a cold start, the first paint. Then every chart is zoomed and moved:
// `draw` is the time of script and layout of a frame, `gap` the time between frames (16.7 ms is every frame of a screen).
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { examineHistory } from '../dist/checker/check.js';
import { runHtml } from '../dist/cli/output/html-file.js';
import { fullBucket, take } from '../dist/core/bucket.js';
import { parsePolicy } from '../dist/core/policy.js';
import { makeRandom } from '../dist/core/prng.js';
import { HistoryBuilder } from '../dist/history/columns/builder.js';
import { makeReport } from '../dist/report/report.js';

const { values } = parseArgs({ options: { operations: { type: 'string', default: '1000000' } } });
const OPERATIONS = Number(values.operations);
const BUCKETS = 200;
const ROUNDS = 5;
const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const policy = parsePolicy('20:5/s');

function makeHistory() {
  const random = makeRandom(1, 'bench-html');
  const levels = Array.from({ length: BUCKETS }, () => fullBucket(policy, 0));
  const builder = new HistoryBuilder();
  builder.startFile('bench');
  builder.add({
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policy: { capacity: 20, refill: policy.refill },
    strategy: 'central',
    scenario: 'bench-html',
    seed: 1,
    regions: REGIONS,
    startedAt: '',
    initial: 'full',
  });
  for (let index = 0; index < OPERATIONS; index++) {
    const atUs = 200_000 + Math.floor((index * 20_000_000) / OPERATIONS);
    const bucket = Math.floor(random() ** 2 * BUCKETS);
    if (bucket < 2 && Math.abs(atUs - 9_000_000) < 1_000) levels[bucket] = fullBucket(policy, atUs);
    const taken = take(levels[bucket], policy, { costTokens: 1, nowUs: atUs });
    levels[bucket] = taken.bucket;
    builder.add({
      type: 'op',
      index,
      bucket: `ratings:u${bucket}`,
      user: `u${bucket}`,
      region: REGIONS[index % 3],
      process: index % 1_000,
      cost: 1,
      invokedUs: atUs - Math.floor(random() * 90_000),
      completedUs: atUs + Math.floor(random() * 90_000),
      outcome: taken.result.allowed ? 'allowed' : 'denied',
    });
  }
  const fault = { type: 'fault', fault: 'partition', args: { isolate: ['eu-west'] } };
  builder.add({ ...fault, phase: 'inject', atUs: 5_000_000 });
  builder.add({ ...fault, phase: 'heal', atUs: 13_000_000 });
  builder.add({
    type: 'event',
    event: 'role',
    node: 'ap-south-1',
    atUs: 9_000_000,
    args: { from: 'replica', to: 'primary' },
  });
  builder.add({ type: 'end', atUs: 21_000_000, sent: OPERATIONS });
  builder.endFile();
  return builder.build();
}

function makePage(history) {
  const examination = examineHistory(history, { busiest: [], claims: [] });
  const report = makeReport({
    plan: { scenario: 'bench-html', seed: 1, policy: '20:5/s', strategy: 'central', claims: [] },
    command: 'npm run bench:html',
    startedAt: '',
    folder: 'reports',
    system: '',
    loadMs: 20_000,
    check: examination.report,
    latencies: [],
  });
  const startMs = performance.now();
  const html = runHtml(report, { history, examination });
  return { html, ms: performance.now() - startMs };
}

/** Zooms and moves for so many frames, and gives how long each took. */
const PLAY = `async (frames) => {
  const charts = document.querySelector('.charts');
  const box = document.querySelector('.chart .u-over').getBoundingClientRect();
  const key = (key, shiftKey) => charts.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey }));
  const wheel = (deltaY, share) => charts.dispatchEvent(new WheelEvent('wheel', { deltaY, ctrlKey: true, clientX: box.left + box.width * share, cancelable: true }));
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const afterPaint = () => new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resolve; port2.postMessage(0); });
  const times = [];
  let last = await nextFrame();
  for (let frame = 0; frame < frames; frame++) {
    const phase = frame % 40;
    if (phase < 12) wheel(-1, 0.45);
    else if (phase < 28) key(phase < 20 ? 'ArrowRight' : 'ArrowLeft', true);
    else wheel(1, 0.45);
    const at = await nextFrame();
    const began = performance.now();
    await afterPaint();
    times.push({ gap: at - last, draw: performance.now() - began });
    last = at;
  }
  return times;
}`;

const FIRST_PAINT = `new Promise((resolve) => {
  const look = () => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    if (paint === undefined) setTimeout(look, 10);
    else resolve(paint.startTime);
  };
  look();
})`;

const say = (line) => process.stdout.write(`${line}\n`);

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

function tell(name, numbers, unit = 'ms') {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => at(sorted, share).toFixed(1));
  say(`${name.padEnd(34)} p50 ${p50}  p99 ${p99}  max ${most} ${unit}`);
}

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-html-'));
try {
  const { html, ms } = makePage(makeHistory());
  const file = join(folder, 'report.html');
  writeFileSync(file, html);
  say(`${OPERATIONS} operations, ${BUCKETS} buckets, ${cpus().length} processors, Node ${process.version}`);
  say(`making the page                    ${ms.toFixed(0)} ms, ${(statSync(file).size / 1e6).toFixed(2)} MB`);
  const [paints, frames] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const executablePath = process.env.OPENCLAW_RL_CHROMIUM ?? '/usr/bin/chromium';
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
    await page.goto(`file://${file}`);
    paints.push(await page.evaluate(FIRST_PAINT));
    frames.push(...(await page.evaluate(`(${PLAY})(120)`)));
    await browser.close();
  }
  tell('first contentful paint', paints);
  tell(
    'zoom and pan, draw',
    frames.map(({ draw }) => draw),
  );
  tell(
    'zoom and pan, gap',
    frames.map(({ gap }) => gap),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
