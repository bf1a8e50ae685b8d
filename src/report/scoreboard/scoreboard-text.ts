import { BOARD_SCENARIOS } from '../../core/board-terms.ts';
import { msText, tokensText } from '../text.ts';
import type { TextTable } from '../text-table.ts';
import { isPromised } from './is-promised.ts';
import { cellOf } from './merge-boards.ts';
import type { CellExcess, Scoreboard, ScoreboardCell, Share } from './scoreboard.ts';

/** A row for each limiter, a column for each scenario: status and worst excess. */
export function scoreboardTable({ limiters, scenarios, cells }: Scoreboard): TextTable {
  return {
    head: ['limiter', ...scenarios.map(({ title }) => title)],
    rows: limiters.map(({ id }) => [
      id,
      ...scenarios.map((scenario) => cellText(cellOf(cells, id, scenario.id))),
    ]),
  };
}

function cellText(cell: ScoreboardCell | undefined): string {
  if (cell === undefined || cell.status === 'not-run') return '-';
  const { status, figures } = cell;
  const tokens = figures?.excess.tokens ?? 0;
  const denied = figures?.falseDenials?.total ?? 0;
  if (status === 'kept' || status === 'unknown')
    return tokens === 0 ? status : `${status} +${tokensText(tokens)}`;
  return tokens > 0 || denied === 0 ? `${status} +${tokensText(tokens)}` : `${status}, ${denied} denials`;
}

/** The reasons of cells without a verdict; those of one limiter with the same reason in one line. */
export function scoreboardNotes({ cells }: Pick<Scoreboard, 'cells'>): string[] {
  const groups = new Map<string, ScoreboardCell[]>();
  for (const cell of cells) {
    if (cell.reason === '') continue;
    const key = `${cell.limiter} ${cell.status} ${cell.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [ScoreboardCell];
    const scenarios = group.map(({ scenario }) => scenario).join(', ');
    return `${first.limiter}, ${scenarios}: ${first.status}: ${first.reason}`;
  });
}

/** A row for each limiter. */
export function limiterTable({ limiters }: Pick<Scoreboard, 'limiters'>): TextTable {
  return {
    head: [
      'limiter',
      'name',
      'language',
      'version',
      'promise',
      'setting',
      'covers',
      'documentation',
      'it says',
    ],
    rows: limiters.map((limiter) => {
      const { id, name, language, version, promise, setting, documentation, says, shim } = limiter;
      const replaced = shim === undefined ? '' : ` Replaced by the audit: ${shim}`;
      const all = limiter.isOurs
        ? 'as its bound says'
        : BOARD_SCENARIOS.filter((scenario) => isPromised(limiter, scenario)).join(', ');
      return [
        id,
        name,
        language,
        version,
        promise,
        setting,
        all,
        documentation.join(' '),
        `${says}${replaced}`,
      ];
    }),
  };
}

/** A row for each cell that was run. */
export function figureTable({ cells }: Pick<Scoreboard, 'cells'>): TextTable {
  return {
    head: [
      ...[
        'limiter',
        'scenario',
        'status',
        'above its promise',
        'false denials',
        'availability',
        'dishonest headers',
      ],
      ...['p50 ms', 'p99 ms', 'requests', 'seed', 'history'],
    ],
    rows: cells.flatMap(({ limiter, scenario, status, figures, seed, history }) => {
      if (figures === null) return [];
      const { excess, falseDenials, decided, dishonest, p50Us, p99Us, requests } = figures;
      return [
        [
          ...[limiter, scenario, status, excessText(excess)],
          falseDenials === null ? 'not promised' : shareText(falseDenials),
          decided === null ? '' : `${(100 * decided).toFixed(1)}%`,
          dishonest.judged === 0 ? 'none stated' : shareText(dishonest),
          p50Us === null ? '' : msText(p50Us),
          p99Us === null ? '' : msText(p99Us),
          ...[String(requests), String(seed), history === null ? '' : history.sha256.slice(0, 12)],
        ],
      ];
    }),
  };
}

function excessText({ of, tokens, declared, windows }: CellExcess): string {
  const amount = tokensText(tokens);
  if (of === 'windows' && tokens === 0) return '0 requests';
  if (of === 'windows')
    return `${amount} requests in the worst window; ${windows ?? 0} end one above the limit`;
  const bound = declared === null ? '' : ` of ${tokensText(declared)} declared`;
  return `${amount} tokens${of === 'window' ? ' in one window' : ''}${bound}`;
}

function shareText({ total, judged }: Share): string {
  return `${total} of ${judged}`;
}
