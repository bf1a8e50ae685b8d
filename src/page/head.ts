import type { Reason, RunPage } from '../report/html/page-data.ts';
import { button, make } from './dom.ts';
import { themeButton } from './theme.ts';

const SIGNS = { pass: '✓', fail: '✗', unknown: '?' } as const;
const REASON_SIGNS = { holds: '✓ ok', broken: '✗ fail', unknown: '? unknown' } as const;

/** The verdict as a sign and a word. */
export function verdictBadge(verdict: RunPage['verdict'], isSlow = false): HTMLElement {
  const kind = verdict === 'pass' && isSlow ? 'fail' : verdict;
  return make(
    'strong',
    { class: `verdict ${kind}` },
    make('span', { class: 'sign', text: SIGNS[kind], attributes: { 'aria-hidden': 'true' } }),
    isSlow ? `${verdict}, but too slow` : verdict,
  );
}

/** The bar at the top of every page. */
export function makeBar(name: string): HTMLElement {
  return make(
    'header',
    { class: 'bar-top' },
    make('span', { class: 'brand', text: 'openclaw-rl' }),
    make('span', { class: 'quiet', text: name }),
    themeButton(),
  );
}

/** The head of the page: the verdict and its reasons, the seed, and the command that repeats the run. */
export function makeHead(page: RunPage): HTMLElement {
  const { title, subject, verdict, isSlow, seed, command, reasons, facts, figures } = page;
  return make(
    'div',
    { class: 'head' },
    make(
      'div',
      { class: 'headline' },
      verdictBadge(verdict, isSlow),
      make('h1', { text: title.replace(/^openclaw-rl /, '') }),
      ...[...subject, ['seed', String(seed)] as const].map(([name, text]) =>
        make('span', { class: 'subject' }, `${name} `, make('b', { text })),
      ),
    ),
    makeCommand(command),
    make('ul', { class: 'reasons' }, ...reasons.map(makeReason)),
    makeRemarks('Why', page.why),
    makeRemarks('Not judged', page.notJudged),
    makeRemarks('Notes', page.remarks),
    make(
      'dl',
      { class: 'figures' },
      ...figures.map(([name, value]) =>
        make('div', {}, make('dt', { text: name }), make('dd', { text: value })),
      ),
    ),
    make(
      'dl',
      { class: 'facts' },
      ...facts.map(([name, value]) =>
        make('div', {}, make('dt', { text: name }), make('dd', { text: value })),
      ),
    ),
  );
}

function makeRemarks(title: string, sentences: readonly string[]): HTMLElement | undefined {
  if (sentences.length === 0) return undefined;
  return make(
    'div',
    { class: 'why' },
    make('h2', { text: title }),
    make('ul', {}, ...sentences.map((text) => make('li', { text }))),
  );
}

function makeReason({ status, reason }: Reason): HTMLElement {
  return make(
    'li',
    { class: status },
    make('b', { text: REASON_SIGNS[status] }),
    make('span', { text: reason }),
  );
}

/** A command with a button that copies it, or selects it if the browser does not allow copying. */
export function makeCommand(command: string): HTMLElement {
  const copy = button('Copy', () => {
    navigator.clipboard.writeText(command).then(
      () => {
        copy.textContent = 'Copied';
      },
      () => {
        getSelection()?.selectAllChildren(code);
      },
    );
  });
  const code = make('code', { text: command });
  return make(
    'div',
    { class: 'command' },
    make('span', { class: 'quiet', text: 'again' }),
    make(
      'pre',
      { attributes: { role: 'group', 'aria-label': 'The command that makes this run again' } },
      code,
    ),
    copy,
  );
}
