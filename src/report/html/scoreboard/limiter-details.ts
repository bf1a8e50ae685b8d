import { isPromised } from '../../scoreboard/is-promised.ts';
import type { Scoreboard, ScoreboardLimiter, ScoreboardScenario } from '../../scoreboard/scoreboard.ts';
import { element, type Markup } from '../markup.ts';
import { renderCellDetails, renderList } from './cell-details.ts';
import { limiterId } from './fragment.ts';

/** All facts of a limiter, and the details of its cells below them, closed at first. */
export function renderLimiterDetails(limiter: ScoreboardLimiter, { scenarios, cells }: Scoreboard): Markup {
  return element(
    'details',
    { class: 'limiter' },
    element('summary', {}, limiter.name),
    element('div', { class: 'body', id: limiterId(limiter.id) }, renderList(factsOf(limiter, scenarios))),
    ...scenarios.flatMap((scenario) =>
      cells
        .filter((cell) => cell.limiter === limiter.id && cell.scenario === scenario.id)
        .map((cell) => renderCellDetails({ cell, scenario, limiter })),
    ),
  );
}

function factsOf(
  limiter: ScoreboardLimiter,
  scenarios: readonly ScoreboardScenario[],
): (readonly [string, string | Markup])[] {
  const { promise, language, version, setting, says, documentation, topology, shim, isOurs, id } = limiter;
  const promised = scenarios.filter(({ id: scenario }) => isPromised(limiter, scenario));
  return [
    ['promise', element('code', {}, promise)],
    ['setting', setting],
    ['version', version],
    ['language', language],
    ['documentation says', says],
    ...(documentation.length === 0
      ? []
      : [
          [
            'documentation',
            element('ul', {}, ...documentation.map((url) => element('li', {}, linkTo(url)))),
          ] as const,
        ]),
    [
      'promised in',
      isOurs
        ? 'each scenario, up to the excess it declares'
        : promised.map(({ title }) => title).join(', ') || 'no scenario',
    ],
    ['servers', TOPOLOGIES[topology]],
    ...(shim === undefined ? [] : [['replaced by the audit', shim] as const]),
    ['id', element('code', {}, id)],
  ];
}

const TOPOLOGIES: Readonly<Record<ScoreboardLimiter['topology'], string>> = {
  cluster: 'Redis Cluster in three regions',
  single: 'one Redis server: its client has no Redis Cluster',
  none: 'none: it needs no Redis',
};

/** An address as its own text; a link only where that leads to a page. */
function linkTo(url: string): Markup {
  return /^https?:\/\//.test(url)
    ? element('a', { href: url, rel: 'noreferrer' }, url)
    : element('span', {}, url);
}
