// How often one run of a limiter is called slower than others of it: `npm run bench:noise -- [runs] [bench flags]`.
// Each run is judged by every choice of baselines among the others, as `compare --claim` judges it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRelativeClaim } from '../dist/checker/claims/relative-claim.js';
import { judgeBaselines } from '../dist/report/baselines.js';
import { parseReport } from '../dist/report/schema.js';

const PROGRAM = join(import.meta.dirname, '../bin/openclaw-rl');
const SMALL = ['--connections', '60', '--users', '12', '--skew', '0', '--duration', '6s'];
const CLAIMS = ['p99(allowed) <=', 'throughput >='];
const FACTORS = [1, 1.5, 2, 3];
const DRAWS = 2_000;

const [runs = '20', ...flags] = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), 'openclaw-rl-noise-'));
process.on('exit', () => rmSync(reports, { recursive: true }));

for (let run = 0; run < Number(runs); run++) {
  const args = ['bench', ...(flags.length > 0 ? flags : SMALL), '--brief', '--reports', reports];
  const { status } = spawnSync(PROGRAM, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  say(`run ${run + 1}: exit code ${status}, load average ${loadavg()[0].toFixed(1)}`);
}
const passed = readdirSync(reports)
  .filter((name) => name !== 'latest')
  .map((name) => parseReport(readFileSync(join(reports, name, 'report.json'), 'utf8'), name))
  .filter(({ verdict }) => verdict === 'pass');

say(`${passed.length} runs passed; of them a run is called slower, by the number of its baselines:`);
for (const claim of CLAIMS)
  for (const factor of FACTORS) {
    const text = `${claim} ${claim.endsWith('>=') ? (1 / factor).toFixed(2) : factor}x`;
    say(`${text}: ${[1, 3, 5].map((count) => `${count}: ${share(text, count)}`).join(', ')}`);
  }

/** By random choices of a run and its baselines. */
function share(text, count) {
  if (passed.length <= count) return 'too few runs';
  const claim = parseRelativeClaim(text);
  let slower = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const [run, ...others] = shuffled(passed).slice(0, count + 1);
    if (judgeBaselines([claim], run, others).claims[0].status === 'broken') slower++;
  }
  return `${((100 * slower) / DRAWS).toFixed(1)}%`;
}

function shuffled(items) {
  const rest = [...items];
  return items.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
