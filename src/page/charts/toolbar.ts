import { button, make } from '../dom.ts';
import type { Happenings } from './shades.ts';
import type { TimeAxis } from './time-axis.ts';

/** Buttons for the time axis, and the filter by region. */
export function makeToolbar({
  axis,
  regions,
  onRegion,
}: {
  axis: TimeAxis;
  regions: readonly string[];
  onRegion: (region: string | undefined) => void;
}): HTMLElement {
  const shown = make('output', { class: 'range' });
  const show = () => {
    const { min, max } = axis.range;
    shown.textContent = `${min.toFixed(2)} to ${max.toFixed(2)} s`;
  };
  axis.onRange(show);
  show();
  const tool = (label: string, title: string, act: () => void) =>
    button(label, act, { attributes: { title, 'aria-label': title } });
  return make(
    'div',
    { class: 'toolbar', attributes: { role: 'toolbar', 'aria-label': 'Charts' } },
    ...(regions.length > 1 ? [regionFilter(regions, onRegion)] : []),
    make(
      'div',
      { class: 'tools' },
      shown,
      tool('◀', 'Earlier', () => axis.pan(-0.25)),
      tool('▶', 'Later', () => axis.pan(0.25)),
      tool('+', 'Zoom in', () => axis.zoom(0.5)),
      tool('−', 'Zoom out', () => axis.zoom(2)),
      tool('All', 'All of the run', () => axis.reset()),
    ),
  );
}

function regionFilter(
  regions: readonly string[],
  onRegion: (region: string | undefined) => void,
): HTMLElement {
  const choices = [undefined, ...regions].map((region, at) =>
    make(
      'label',
      {},
      make('input', {
        attributes: { type: 'radio', name: 'region', value: at, ...(at === 0 ? { checked: '' } : {}) },
        on: { change: () => onRegion(region) },
      }),
      make('span', { text: region ?? 'All regions' }),
    ),
  );
  return make(
    'fieldset',
    { class: 'pills' },
    make('legend', { class: 'unseen', text: 'Region' }),
    ...choices,
  );
}

/** Makes the charts work without a mouse: what `HINT` says. */
export function bindKeys(charts: HTMLElement, axis: TimeAxis, { spans, marks }: Happenings): void {
  const moments = [
    ...spans.flatMap(({ name, fromUs, untilUs }) => [
      { at: fromUs / 1e6, text: `${name} begins` },
      ...(untilUs === null ? [] : [{ at: untilUs / 1e6, text: `${name} ends` }]),
    ]),
    ...marks.map(({ name, atUs }) => ({ at: atUs / 1e6, text: name })),
  ].sort((a, b) => a.at - b.at);
  const announcement = make('output', { class: 'unseen', attributes: { 'aria-live': 'polite' } });
  charts.append(announcement);
  let cursor = axis.whole.min;
  const point = (at: number, text = '') => {
    cursor = Math.min(axis.whole.max, Math.max(axis.whole.min, at));
    axis.point(cursor);
    requestAnimationFrame(() => {
      const values = [...charts.querySelectorAll('.legend li')]
        .filter(
          (row) =>
            row instanceof HTMLElement && !row.hidden && row.querySelector('.value')?.textContent !== '',
        )
        .slice(0, 6)
        .map((row) => row.textContent);
      announcement.textContent = `${cursor.toFixed(2)} s${text === '' ? '' : `, ${text}`}. ${values.join(', ')}`;
    });
  };
  const step = () => (axis.range.max - axis.range.min) / 100;
  const jump = (next: { at: number; text: string } | undefined) => {
    if (next !== undefined) point(next.at, next.text);
  };
  const keys: Record<string, (isShifted: boolean) => void> = {
    ArrowLeft: (isShifted) => (isShifted ? axis.pan(-0.25) : point(cursor - step())),
    ArrowRight: (isShifted) => (isShifted ? axis.pan(0.25) : point(cursor + step())),
    Home: () => point(axis.whole.min),
    End: () => point(axis.whole.max),
    '+': () => axis.zoom(0.5, cursor),
    '=': () => axis.zoom(0.5, cursor),
    '-': () => axis.zoom(2, cursor),
    '0': () => axis.reset(),
    n: () => jump(moments.find(({ at }) => at > cursor + 1e-6)),
    p: () => jump(moments.findLast(({ at }) => at < cursor - 1e-6)),
  };
  charts.addEventListener('keydown', (event) => {
    if (event.target !== charts || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act(event.shiftKey);
  });
  charts.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const chart = axis.charts[0];
      const left = chart === undefined ? 0 : event.clientX - chart.over.getBoundingClientRect().left;
      axis.zoom(event.deltaY > 0 ? 1.25 : 0.8, chart?.posToVal(left, 'x'));
    },
    { passive: false },
  );
}

export const HINT =
  'Drag or use Ctrl and the wheel to zoom; double-click to show all. With the charts in focus: arrows move the cursor, Shift and arrows move in time, + and − zoom, 0 shows all, n and p go to the next and the previous event.';
