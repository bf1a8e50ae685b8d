import { printable } from '../core/errors.ts';
import type { LoadProgress, Progress } from '../experiment/progress.ts';
import { OUTCOMES } from '../history/operation.ts';

/** One line of what a run is doing. */
export function progressLine({ stage, elapsedMs, detail, load }: Progress): string {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`.padStart(7);
  const rest = load === undefined ? printable(detail ?? '') : loadText(load);
  return `${seconds}  ${stage.padEnd(9)}  ${rest}`.trimEnd();
}

/** What the numbers behind the name of a region are. */
export const RATES_LEGEND = `rates are ${OUTCOMES.join('/')} a second`;

function loadText({ atMs, ofMs, rates, faults, atLimit, ofBusiest }: LoadProgress): string {
  const regions = Object.entries(rates).map(
    ([region, counts]) => `${region} ${OUTCOMES.map((outcome) => counts[outcome]).join('/')}`,
  );
  return [
    `${Math.round(atMs / 1_000)}/${Math.round(ofMs / 1_000)} s`,
    ...regions,
    `at limit ${atLimit}/${ofBusiest}`,
    ...(faults.length === 0 ? [] : [`fault ${faults.join(' + ')}`]),
  ].join('  ');
}
