/** Markup of which every text is escaped: only `element` makes it. */
export interface Markup {
  readonly html: string;
}

/** Text, which is escaped; markup; or nothing. */
export type MarkupChild = Markup | string | undefined;

/**
 * An element with its children, not of a void tag. An attribute that is undefined is left out; names of tags and
 * attributes are those of the program.
 */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: readonly MarkupChild[]
): Markup {
  const stated = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  const end = IMPLIED.has(tag) ? '' : `</${tag}>`;
  return { html: `<${tag}${stated.join('')}>${children.map(htmlOf).join('')}${end}` };
}

/** Their ends are implied by what follows: a table of many rows is a quarter smaller without them. */
const IMPLIED: ReadonlySet<string> = new Set(['td', 'th', 'tr', 'thead', 'tbody', 'li', 'dt', 'dd']);

function htmlOf(child: MarkupChild): string {
  if (child === undefined) return '';
  return typeof child === 'string' ? escaped(child) : child.html;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
