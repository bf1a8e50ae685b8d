import type { VirtualTime } from './virtual-time.ts';

/** As often as waits in local regions look. */
const EVERY_US = 15_000;

/** Looks until it is so, or for so long; then calls with whether it is so. */
export function until(
  time: VirtualTime,
  withinMs: number,
  isSo: () => boolean,
  then: (isSo: boolean) => void,
): void {
  const endUs = time.nowUs + withinMs * 1_000;
  const look = () => {
    if (isSo()) then(true);
    else if (time.nowUs >= endUs) then(false);
    else time.after(EVERY_US, look);
  };
  look();
}
