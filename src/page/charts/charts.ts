import { make } from '../dom.ts';
import type { Happenings } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';
import { bindKeys, HINT, makeToolbar } from './toolbar.ts';

/** Charts on one axis with its controls (buttons, keys, wheel) and the filter by region. */
export function makeCharts({
  axis,
  rows,
  label,
  regions,
  happenings,
  onRegion,
}: {
  axis: TimeAxis;
  rows: readonly HTMLElement[];
  label: string;
  regions: readonly string[];
  happenings: Happenings;
  onRegion: (region: string | undefined) => void;
}): HTMLElement {
  const charts = make(
    'div',
    {
      class: 'charts',
      attributes: { tabindex: 0, role: 'group', 'aria-label': label, 'aria-describedby': 'hint' },
    },
    ...rows,
  );
  bindKeys(charts, axis, happenings);
  const hint = make('p', { class: 'hint', text: HINT, attributes: { id: 'hint' } });
  return make('div', {}, makeToolbar({ axis, regions, onRegion }), charts, hint);
}
