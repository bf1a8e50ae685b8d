/** The parts of an element. Text stays text: the page parses no markup. */
interface Parts {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly on?: Readonly<Partial<Record<keyof HTMLElementEventMap, (event: Event) => void>>>;
}

type Child = Node | string | undefined;

/** Makes an element with its children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parts: Parts = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (parts.class !== undefined) element.className = parts.class;
  if (parts.text !== undefined) element.textContent = parts.text;
  for (const [name, value] of Object.entries(parts.attributes ?? {}))
    element.setAttribute(name, String(value));
  for (const [type, listener] of Object.entries(parts.on ?? {})) element.addEventListener(type, listener);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Makes an element of a drawing. */
export function makeSvg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A button with one action. */
export function button(label: string, act: () => void, more: Parts = {}): HTMLButtonElement {
  return make('button', {
    text: label,
    ...more,
    attributes: { type: 'button', ...more.attributes },
    on: { click: act },
  });
}

/** A section with a heading, which names it. */
export function section(id: string, heading: string, ...children: readonly Child[]): HTMLElement {
  return make(
    'section',
    { attributes: { 'aria-labelledby': `${id}-heading`, id } },
    make('h2', { text: heading, attributes: { id: `${id}-heading` } }),
    ...children,
  );
}
