import { button, make } from '../dom.ts';
import { makeCommand } from '../head.ts';
import { find } from './board.ts';

/** Shows details beside the table. */
export interface DetailsDialog {
  readonly element: HTMLDialogElement;
  /** Shows a copy of these details: those of a cell with the facts of its limiter. */
  show(details: HTMLElement): void;
  close(): void;
  /** Called when it was closed by the reader, not by `close`. */
  onClosed: () => void;
}

export function makeDetailsDialog(): DetailsDialog {
  const title = make('h2', { attributes: { id: 'dialog-title' } });
  const content = make('div', { class: 'content' });
  const shut = button('Close', () => element.close(), { class: 'shut' });
  const element = make(
    'dialog',
    { attributes: { 'aria-labelledby': 'dialog-title' } },
    make('div', { class: 'title' }, title, shut),
    content,
  );
  let isClosedByPage = false;
  const dialog: DetailsDialog = {
    element,
    show(details) {
      title.replaceChildren(...copiesOf(find(details, 'summary')));
      content.replaceChildren(...contentOf(details));
      if (!element.open) element.showModal();
      element.scrollTop = 0;
    },
    close() {
      isClosedByPage = true;
      element.close();
    },
    onClosed: () => {},
  };
  element.addEventListener('close', () => {
    if (!isClosedByPage) dialog.onClosed();
    isClosedByPage = false;
  });
  element.addEventListener('click', (event) => {
    if (event.target === element) element.close(); // beside the dialog, on what it covers
    followInPlace(event);
  });
  return dialog;
}

/** A link from details to details replaces them: one step back leads to the table. */
function followInPlace(event: Event): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const href = link?.getAttribute('href') ?? '';
  if (!href.startsWith('#')) return;
  event.preventDefault();
  location.replace(href);
}

function contentOf(details: HTMLElement): Node[] {
  const own = bodyOf(details);
  const limiter = details.parentElement?.closest('details') ?? undefined;
  if (limiter === undefined) return [...own, make('h3', { text: 'Its cells' }), cellsOf(details)];
  const certificate = make('p', { class: 'hint', text: find(document, '#certificate').textContent ?? '' });
  const hasRun = details.querySelector('.run') !== null;
  const [sentence, ...others] = own;
  return [
    ...(sentence === undefined ? [] : [sentence]),
    make('p', { class: 'quiet', text: aboutOf(details) }),
    ...others,
    ...(hasRun ? [certificate] : []),
    make('h3', {}, 'The limiter: ', linkTo(limiter)),
    ...bodyOf(limiter),
  ];
}

/** What happens in the scenario of a cell: the head of its column has it. */
function aboutOf(cell: HTMLElement): string {
  const { id } = find(cell, ':scope > .body');
  const scenario = id.slice(id.lastIndexOf('/') + 1);
  const heads = [...document.querySelectorAll<HTMLElement>('thead th')];
  return heads.find(({ dataset }) => dataset.scenario === scenario)?.title ?? '';
}

/** The body of details as it is read: commands can be copied. */
function bodyOf(details: HTMLElement): Node[] {
  const copy = find(details, ':scope > .body').cloneNode(true) as HTMLElement;
  for (const pre of copy.querySelectorAll('.again')) pre.replaceWith(makeCommand(pre.textContent ?? ''));
  return [...copy.childNodes];
}

function cellsOf(limiter: HTMLElement): HTMLElement {
  const cells = [...limiter.querySelectorAll<HTMLElement>('details')];
  return make(
    'ul',
    { class: 'cells' },
    ...cells.map((cell) => {
      const link = linkTo(cell);
      link.querySelector('.of')?.remove();
      return make('li', {}, link, make('span', { text: find(cell, '.says').textContent ?? '' }));
    }),
  );
}

/** A link to details that says what their summary says. */
function linkTo(details: HTMLElement): HTMLAnchorElement {
  const [key = '', name = ''] = splitOnce(find(details, ':scope > .body').id, '=');
  const href = `#${key}=${name.split('/').map(encodeURIComponent).join('/')}`;
  return make('a', { attributes: { href } }, ...copiesOf(find(details, 'summary')));
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

function copiesOf(element: HTMLElement): Node[] {
  return [...element.childNodes].map((node) => node.cloneNode(true));
}
