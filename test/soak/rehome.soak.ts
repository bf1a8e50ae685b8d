import { expect, it } from 'vitest';
import { MISTAKES } from '../support/rehome/mistakes.ts';
import { type JudgedMoves, runMoves } from '../support/rehome/run.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

const MOVES = 10_000;
const BATCHES = 8;
const SLOW = '40:1/h';
const FAST = '30:4/s';
const RIGHT = { minted: 0, totalExcess: 0, problems: [] };
const base = { processes: 5, inFlight: 80, movesEach: 10 };

const HEAD = ['moves', 'repeats', 'refused', 'failed', 'takes', 'away', 'admitted', 'minted', 'excess'];
const TABLE = (first: string) => [
  `| ${[first, ...HEAD].join(' | ')} |`,
  `|${' --- |'.repeat(HEAD.length + 1)}`,
];

it(`mints nothing in ${MOVES} moves`, async () => {
  const rows: string[] = [];
  for (const command of SERVERS) {
    let moves = 0;
    for (let seed = 1; moves < MOVES; seed++) {
      const policy = seed % 2 === 0 ? FAST : SLOW;
      const more = { replicas: 1 + (seed % 4 === 0 ? 1 : 0), failOvers: 3, crashes: 4 };
      const subjects = Math.ceil(MOVES / BATCHES / base.movesEach);
      const judged = await runMoves({ ...base, command, policy, seed, subjects, ...more });
      expect(judged, `seed ${seed}`).toMatchObject(RIGHT);
      moves += judged.seen.moves;
      rows.push(rowOf(`${command}, acked, ${more.replicas} replicas, ${policy}, seed ${seed}`, judged));
    }
  }
  logSoak('moves between homes: random moves through lost replies, crashes and failovers', [
    'Two regions and the key without a home; 3 failovers in order and 4 crashes a run. *Repeats* are of moves that had ended, *failed* are calls without an answer or not acked, *away* are takes that met a mark. *Minted* is what was admitted above capacity and refill, drained at the end; *excess* is what the checker finds in the history.',
    '',
    ...TABLE('run'),
    ...rows,
  ]);
});

it('finds every planted mistake', async () => {
  const rows: string[] = [];
  for (const [name, mistake] of Object.entries(MISTAKES)) {
    const run = { ...base, command: SERVERS[0], policy: SLOW, replicas: 0, seed: 100, subjects: 60 };
    const judged = await runMoves({ ...run, mistake });
    expect(judged.minted + judged.problems.length, name).toBeGreaterThan(0);
    rows.push(`${rowOf(name, judged)} ${judged.problems.length} |`);
  }
  const unacked = { replicas: 1, isAcked: false, crashes: 6, subjects: 60, seed: 101 };
  const judged = await runMoves({ ...base, command: SERVERS[0], policy: SLOW, ...unacked });
  rows.push(`${rowOf('none, but central through six crashes', judged)} ${judged.problems.length} |`);
  const [head, line] = TABLE('mistake');
  const table = [`${head} stuck, or answers that differ |`, `${line} --- |`, ...rows];
  logSoak('moves between homes: planted mistakes of the scripts', table);
});

function rowOf(name: string, { seen, minted, totalExcess }: JudgedMoves): string {
  const { moves, repeats, refused, failed, takes, away, admitted } = seen;
  const counts = [moves, repeats, refused, failed, takes, away, admitted, minted, totalExcess.toFixed(3)];
  return `| ${[name, ...counts].join(' | ')} |`;
}
