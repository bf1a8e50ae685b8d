import { button } from './dom.ts';

type Theme = 'light' | 'dark';

const KEY = 'openclaw-rl-theme';
const listeners = new Set<() => void>();
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
let printing = false;
let cache = new Map<string, string>();

/** Calls the listener whenever the colours change, so that a canvas is drawn again. Returns a function that ends it. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A colour of the style sheet by its name, as it is now. */
export function colour(name: string): string {
  let known = cache.get(name);
  if (known === undefined) {
    known = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    cache.set(name, known);
  }
  return known;
}

/** A button that toggles between light and dark. */
export function themeButton(): HTMLButtonElement {
  const toggle = button('', () => {
    choose(current() === 'dark' ? 'light' : 'dark');
    name();
  });
  const name = () => {
    const other = current() === 'dark' ? 'light' : 'dark';
    toggle.textContent = other === 'dark' ? '☾ Dark' : '☀ Light';
    toggle.setAttribute('aria-label', `Show in ${other} colours`);
  };
  toggle.className = 'theme';
  name();
  systemIsDark.addEventListener('change', () => {
    name();
    tell();
  });
  return toggle;
}

/** Restores the theme of an earlier visit, and prints in light colours. */
export function startTheme(): void {
  const kept = stored();
  if (kept !== null) choose(kept);
  addEventListener('beforeprint', () => setPrinting(true));
  addEventListener('afterprint', () => setPrinting(false));
}

function current(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return systemIsDark.matches ? 'dark' : 'light';
}

function choose(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // a file may have no storage
  }
  tell();
}

function stored(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : null;
  } catch {
    return null;
  }
}

function setPrinting(now: boolean): void {
  if (printing === now) return;
  printing = now;
  document.documentElement.classList.toggle('printing', now);
  tell();
}

function tell(): void {
  cache = new Map();
  for (const listener of listeners) listener();
}
