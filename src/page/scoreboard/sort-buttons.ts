import { beginsDown, type SortKey } from '../../report/html/scoreboard/view.ts';
import { button } from '../dom.ts';
import type { Address } from './address.ts';
import type { Board } from './board.ts';

/** The heads of the table as buttons: by name, or by the figure that cells show, in one scenario. */
export function addSortButtons({ nameHead, columns }: Board, address: Address): void {
  const heads = [{ scenario: '', head: nameHead }, ...columns];
  for (const { scenario, head } of heads) {
    const name = head.textContent ?? '';
    head.replaceChildren(button(name, () => sortBy(scenario, address), { class: 'sort' }));
  }
  address.onView(({ sort, within, isDown }) => {
    for (const { scenario, head } of heads) {
      const isSorted = scenario === '' ? sort === 'limiter' : within === scenario && isFigure(sort);
      head.setAttribute('aria-sort', isSorted ? (isDown ? 'descending' : 'ascending') : 'none');
    }
  });
}

function sortBy(scenario: string, { view, change }: Address): void {
  const sort = scenario === '' ? 'limiter' : isFigure(view.sort) ? view.sort : 'excess';
  const isAgain = view.sort === sort && view.within === scenario;
  change({ sort, within: scenario, isDown: isAgain ? !view.isDown : beginsDown(sort) });
}

function isFigure(sort: SortKey): boolean {
  return sort !== 'limiter' && sort !== 'language';
}
