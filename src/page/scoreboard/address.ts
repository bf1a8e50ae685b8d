import { FIRST_VIEW, type View, viewFragment, viewOf } from '../../report/html/scoreboard/view.ts';
import type { Board } from './board.ts';
import type { DetailsDialog } from './details-dialog.ts';

/** The fragment of the page's address: a view of the table, or the details that are shown above it. */
export interface Address {
  readonly view: View;
  /** Shows a view, and puts it into the address. */
  change(view: Partial<View>): void;
  /** Shows what the address says. */
  follow(): void;
  /** Calls the listener with the view, now and whenever another is shown, and the number of its rows. */
  onView(listener: (view: View, rows: number) => void): void;
}

export function startAddress(board: Board, dialog: DetailsDialog): Address {
  const scenarios = board.columns.map(({ scenario }) => scenario);
  const listeners: ((view: View, rows: number) => void)[] = [];
  let view = FIRST_VIEW;
  let rows = board.show(view);
  let isOneStepBack = false;
  const show = (next: View) => {
    view = next;
    rows = board.show(view);
    for (const listener of listeners) listener(view, rows);
  };
  const address: Address = {
    get view() {
      return view;
    },
    change(changes) {
      show({ ...view, ...changes });
      replaceFragment(viewFragment(view));
    },
    follow() {
      const details = detailsAt(location.hash);
      if (details !== undefined) return dialog.show(details);
      isOneStepBack = false;
      if (dialog.element.open) dialog.close();
      show(viewOf(location.hash.slice(1), scenarios));
    },
    onView(listener) {
      listeners.push(listener);
      listener(view, rows);
    },
  };
  addEventListener('hashchange', () => {
    if (!dialog.element.open && detailsAt(location.hash) !== undefined) isOneStepBack = true;
    address.follow();
  });
  dialog.onClosed = () => {
    const link = board.linkTo(location.hash);
    if (isOneStepBack) history.back();
    else replaceFragment(viewFragment(view));
    isOneStepBack = false;
    link?.focus();
  };
  return address;
}

/** The details of a cell or a limiter that a fragment names. */
function detailsAt(hash: string): HTMLElement | undefined {
  if (!/^#(cell|limiter)=/.test(hash)) return undefined;
  try {
    const inside = document.getElementById(decodeURIComponent(hash.slice(1)));
    return inside?.closest('details') ?? undefined;
  } catch {
    return undefined; // no valid escape
  }
}

function replaceFragment(fragment: string): void {
  try {
    history.replaceState(null, '', fragment === '' ? location.pathname + location.search : `#${fragment}`);
  } catch {
    // a browser limits how often, and the view is shown all the same
  }
}
