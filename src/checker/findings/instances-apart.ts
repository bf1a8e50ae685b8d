import { rounded } from '../../core/units.ts';
import { isServiceRestart, restartsOf } from '../evidence/service-restarts.ts';
import { placesApart } from './places-apart.ts';
import { apartSentences, findApart, type Judged } from './regions-apart.ts';

/**
 * Each instance of a service admits about one whole bucket in one window, where regions do not explain it: they do not share
 * the bucket. An instance that was restarted is another process, which knows nothing of the one before.
 */
export function instancesApartSentences(judged: Judged): string[] {
  const { operations: table, faults } = judged.history;
  if (apartSentences(judged).length > 0) return [];
  const areRestarted = faults.some(isServiceRestart);
  const placeOf = (row: number) => {
    const [region, instance] = [table.regionOf(row), table.instanceOf(row)];
    const restarts = areRestarted ? restartsOf(faults, { region, instance }) : [];
    const before = restarts.filter((atUs) => atUs <= (table.invokedUs[row] as number)).length;
    return `${region} ${instance} ${before}`;
  };
  const apart = findApart(judged, placeOf, { all: true, ownTime: areRestarted });
  if (apart === undefined) return areRestarted ? [] : placesApart(judged, placeOf, 'instance');
  const { places, span } = apart;
  const each = places.map(({ tokens }) => tokens);
  const [most, least] = [Math.max(...each), Math.min(...each)];
  const range = least === most ? `${most}` : `${least} to ${most}`;
  const what = areRestarted ? 'processes' : 'instances';
  return [
    `the limit is multiplied by the ${places.length} ${what} that ${span.bucket} reached: each alone admitted no more than the policy allows, ` +
      `${range} tokens, and together they admitted ${each.reduce((sum, tokens) => sum + tokens, 0)} in one window that allows ${rounded(span.allowance, 3)}`,
  ];
}
