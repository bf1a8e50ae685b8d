import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { emptyTally, judgeSeeds, type Tally, type Wrong } from '../support/parts/tally.ts';
import { logSoak } from '../support/soak-log.ts';

const HISTORIES = 100_000;
const SLICE = 500;
/** Where it goes on if it was interrupted; `rm` begins again. */
const FILE = join(import.meta.dirname, '../../reports/soak-parts.json');

interface Progress {
  readonly nextSeed: number;
  readonly seconds: number;
  readonly tally: Tally;
  readonly wrong: readonly Wrong[];
}

it('100,000 histories of correct limiters in parts, with honest clocks, are accused of nothing', async () => {
  let { nextSeed, seconds, tally, wrong }: Progress = existsSync(FILE)
    ? JSON.parse(readFileSync(FILE, 'utf8'))
    : { nextSeed: 1, seconds: 0, tally: emptyTally(), wrong: [] };
  mkdirSync(join(FILE, '..'), { recursive: true });
  while (nextSeed <= HISTORIES) {
    const startedMs = performance.now();
    wrong = [...wrong, ...judgeSeeds({ from: nextSeed, to: nextSeed + SLICE - 1 }, tally)];
    nextSeed += SLICE;
    seconds += (performance.now() - startedMs) / 1_000;
    await setImmediate();
    writeFileSync(FILE, JSON.stringify({ nextSeed, seconds, tally, wrong } satisfies Progress));
    process.stderr.write(
      `${tally.histories} histories, ${tally.contested} contested, ${tally.judgedDenials} denials judged, ${tally.verdicts.pass ?? 0} pass, ${wrong.length} wrong, ${Math.round(seconds)} s\n`,
    );
  }
  logSoak('histories in parts', linesOf(tally, wrong));
  expect(wrong).toEqual([]);
});

function linesOf({ features, verdicts, ...counts }: Tally, wrong: readonly Wrong[]): string[] {
  const { pass = 0, unknown = 0, fail = 0 } = verdicts;
  const sorted = Object.entries(features).sort(([, a], [, b]) => b - a);
  return [
    'Correct limiters recorded in parts, on machines with unknown offsets and drift, with honest readings of asymmetric',
    'delays, steps of Redis clocks, failovers, and parts that are missing, cut short or doubled. *declared*: a clock stepped',
    'ahead, or a failover lost state: there was excess, no more than the strategy declares.',
    '',
    '| histories | accused | pass | unknown | declared | contested | all parts there | requests | denials judged | decisions replayed |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    `| ${counts.histories} | ${wrong.length} | ${pass} | ${unknown} | ${fail} | ${counts.contested} | ${counts.whole} | ${counts.requests} | ${counts.judgedDenials} | ${counts.replayed} |`,
    '',
    '| in a history | histories |',
    '| --- | --- |',
    ...sorted.map(([feature, number]) => `| ${feature} | ${number} |`),
  ];
}
