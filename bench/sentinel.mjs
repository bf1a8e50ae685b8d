// Measures what a partition behind Sentinels gives away: scenarios/sentinel-partition.yaml, where the primary that is cut
// off goes on, and the same with min-replicas-to-write, each with several seeds.
//   npm run bench:sentinel [-- --seeds 10 --from 1 --strategy central --server valkey-server]
//
// It prints the excess of the worst bucket beside the bound that the strategy declares, and the overlap of the primaries
// that the checker measured. Exit code 1 if an excess is above its bound. A run takes about 35 s.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    strategy: { type: 'string', default: 'central' },
    server: { type: 'string', default: 'redis-server' },
  },
});
const ROOT = join(import.meta.dirname, '..');
const SCENARIOS = ['sentinel-partition', 'sentinel-partition-min-replicas'];
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-sentinel-'));
let isAbove = false;
try {
  say(
    `${flags.server}, Node ${process.version}, ${cpus().length} cores, load average ${loadavg()[0].toFixed(2)}\n`,
  );
  say('| scenario | seed | verdict | excess of one bucket | bound | overlap s | takeovers |');
  say('| --- | --- | --- | --- | --- | --- | --- |');
  const from = Number(flags.from);
  for (const scenario of SCENARIOS)
    for (let seed = from; seed < from + Number(flags.seeds); seed++) say(row(scenario, seed));
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = isAbove ? 1 : 0;

function row(scenario, seed) {
  const text = readFileSync(join(ROOT, 'scenarios', `${scenario}.yaml`), 'utf8');
  const file = join(folder, `${scenario}.yaml`);
  writeFileSync(file, text.replace(/^load:$/m, `strategy: ${flags.strategy}\nload:`));
  const args = ['run', file, '--seed', String(seed), '--server', flags.server, '--reports', folder, '--json'];
  const { stdout, stderr } = spawnSync(join(ROOT, 'bin/openclaw-rl'), args, {
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (!stdout.startsWith('{'))
    return `| ${scenario} | ${seed} | ${stderr.trim().split('\n').at(-1)} | | | | |`;
  const { verdict, shards } = JSON.parse(stdout);
  const excess = Math.max(...shards.map(({ largestExcess }) => largestExcess.tokens));
  const bound = Math.max(...shards.map(({ bound }) => bound?.totalExcess ?? Number.NaN));
  const takeovers = shards.flatMap(({ failovers }) => failovers);
  const overlaps = takeovers.map(({ overlapUs }) => (overlapUs / 1e6).toFixed(2)).join(' + ') || '0';
  if (!(excess <= bound)) isAbove = true;
  return `| ${scenario} | ${seed} | ${verdict} | ${excess.toFixed(1)} | ${bound.toFixed(1)} | ${overlaps} | ${takeovers.length} |`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
