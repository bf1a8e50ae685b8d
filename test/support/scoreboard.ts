import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CELL_STATUSES,
  type CellFigures,
  type CellStatus,
  type Scoreboard,
  type ScoreboardCell,
  type ScoreboardLimiter,
} from '../../src/report/scoreboard/scoreboard.ts';

const SCENARIOS = [
  ['healthy', 'healthy', 'Nothing is broken.'],
  ['three-instances', 'three instances', 'Each region has three services that share the limit.'],
  ['hot-user', 'hot user', 'One user is busy in all regions at once.'],
  ['partition', 'partition', 'eu-west is cut off for 8 s: packets are dropped.'],
  ['failover', 'failover', 'The primary us-east-0 is killed, and its replica takes over.'],
  ['store-outage', 'store outage', 'No service has a connection to any node for 4 s.'],
  ['restart', 'restart', 'The services are killed and started again.'],
  ['clock-step', 'clock step', 'The clock of us-east-0 is 3 s ahead for 8 s.'],
] as const;

const LANGUAGES = ['JavaScript', 'Python', 'Go', 'PHP', 'Ruby', 'nginx'];

/** A table with every status, where each limiter has other figures; nothing in it was measured. */
export function sampleBoard(size = 34): Scoreboard {
  const limiters = Array.from({ length: size }, (_, at) => sampleLimiter(at));
  return {
    format: 'openclaw-scoreboard',
    version: 1,
    program: 'openclaw-rl 0.1.0',
    command: 'openclaw-rl scoreboard --seed 1',
    machine: 'Node 20.20.2, 2 cores, Linux',
    scenarios: SCENARIOS.map(([id, title, about]) => ({ id, title, about })),
    limiters,
    cells: limiters.flatMap((limiter, at) =>
      SCENARIOS.map(([scenario], place) => sampleCell(limiter, scenario, statusAt(at, place))),
    ),
  };
}

/** Row 0 has kept all; each row below has more of the other statuses. */
function statusAt(row: number, column: number): CellStatus {
  return CELL_STATUSES[row === 0 ? 0 : (row * column) % CELL_STATUSES.length] ?? 'kept';
}

function sampleLimiter(at: number): ScoreboardLimiter {
  const isOurs = at < 3;
  const language = isOurs ? 'JavaScript' : (LANGUAGES[at % LANGUAGES.length] ?? '');
  return {
    id: isOurs ? (['central', 'acked', 'lease'][at] ?? '') : `limiter-${at}`,
    isOurs,
    promise: isOurs || at % 2 === 0 ? 'token-bucket:20:5/s' : 'fixed-window:20/4s:first',
    version: `limiter-${at} 3.${at}.0`,
    name: isOurs
      ? `openclaw-rl, ${['central', 'acked', 'lease'][at]}`
      : `${language} limiter ${at}, fixed window`,
    language,
    setting: `20 requests in 4 s, store ${at}`,
    documentation: [`https://limiter-${at}.example/documentation`, `https://limiter-${at}.example/faults`],
    says: 'Counts are shared by all that use the storage. Nothing about failovers or regions.',
    covers: ['three-instances', 'hot-user'],
    topology: (['cluster', 'single', 'none'] as const)[at % 3] ?? 'cluster',
    ...(at % 5 === 4 && { shim: 'The audit answers its REST calls itself.' }),
  };
}

function sampleCell(
  { id, isOurs, promise }: ScoreboardLimiter,
  scenario: string,
  status: CellStatus,
): ScoreboardCell {
  const at = numberOf(id);
  const isRun = status !== 'not-run';
  const isProved = status === 'broken' || status === 'exceeded';
  const reasons: Partial<Record<CellStatus, string>> = {
    unknown: 'only 12 of 40 buckets were contested, and 80% are wanted',
    'not-run': 'one server has no replica to take over',
  };
  return {
    limiter: id,
    scenario,
    status,
    reason: reasons[status] ?? '',
    figures: isRun
      ? figuresOf({ isProved, isOurs, of: promise.startsWith('fixed') ? 'windows' : 'total', at })
      : null,
    witness: isProved
      ? {
          text: '34 admitted > 20 + 5/s × 0.412 s + 0.01 = 22.07',
          bucket: 'ratings:u1',
          operations: Array.from({ length: 40 }, (_, i) => ({
            ...{
              operation: 1_200 + i,
              region: ['us-east', 'eu-west', 'ap-south'][i % 3] ?? '',
              outcome: 'allowed',
            },
            ...{ fromS: 4.2 + i / 100, toS: i === 3 ? null : 4.203 + i / 100 },
          })),
          more: 7,
        }
      : null,
    command: isRun
      ? `openclaw-rl run scenarios/scoreboard/${scenario}.yaml --limiter audits/${id}.mjs --seed 1`
      : '',
    seed: isRun ? 1 : 0,
    startedAt: isRun ? '2026-11-29T09:00:00.000Z' : '',
    system: isRun ? 'redis 8.0.2, local processes' : '',
    history: isRun
      ? {
          sha256: createHash('sha256').update(`${id} ${scenario}`).digest('hex'),
          bytes: 8_412_000,
          operations: 41_000 + at,
        }
      : null,
  };
}

function figuresOf({
  isProved,
  isOurs,
  of,
  at,
}: {
  readonly isProved: boolean;
  readonly isOurs: boolean;
  readonly of: 'windows' | 'total';
  readonly at: number;
}): CellFigures {
  return {
    excess: {
      of,
      tokens: isProved ? (of === 'windows' ? at : 1.25 * (at + 1)) : 0,
      declared: isOurs ? 20 : null,
      ...(of === 'windows' && { windows: isProved ? at + 1 : 0 }),
    },
    falseDenials: of === 'windows' ? null : { total: isProved ? at % 3 : 0, judged: 20_000 },
    decided: at % 11 === 10 ? null : 1 - (at % 7) / 50,
    dishonest: { total: at, judged: 38_000 },
    p50Us: 800 + 137 * ((at * 7) % 23),
    p99Us: 9_000 + 100 * at,
    requests: 41_000 + at,
  };
}

function numberOf(id: string): number {
  return Number(/\d+$/.exec(id)?.[0] ?? 0);
}

/** Writes the page of a board into a folder, as the command of the build does; gives its path. */
export async function writeScoreboardPage(folder: string, board: Scoreboard): Promise<string> {
  const built = new URL('../../dist/cli/output/html-file.js', import.meta.url).href;
  const { scoreboardHtml } = (await import(built)) as typeof import('../../src/cli/output/html-file.ts');
  const path = join(folder, 'scoreboard.html');
  writeFileSync(path, scoreboardHtml(board));
  return path;
}
