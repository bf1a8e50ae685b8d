import { make } from './dom.ts';

const MORE = 'More columns: scroll sideways ↔';

/** A table in a box that scrolls; where columns do not fit, the box says so and fades at that side. */
export function makeScroll(table: HTMLElement, label: string, kind = ''): HTMLElement {
  const box = make(
    'div',
    { class: `scroll ${kind}`.trim(), attributes: { tabindex: 0, role: 'group', 'aria-label': label } },
    table,
  );
  const more = make('p', { class: 'more', text: MORE });
  more.hidden = true;
  const element = make('div', { class: 'scrollable' }, more, box);
  const update = () => {
    const hidden = box.scrollWidth - box.clientWidth;
    more.hidden = hidden <= 1;
    element.classList.toggle('has-left', box.scrollLeft > 1);
    element.classList.toggle('has-right', box.scrollLeft < hidden - 1);
  };
  box.addEventListener('scroll', update, { passive: true });
  const observer = new ResizeObserver(update);
  observer.observe(box);
  observer.observe(table);
  return element;
}
