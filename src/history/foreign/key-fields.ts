import type { LineFields } from './lines.ts';

const KEY_NAME =
  /user|uid|key|client|account|tenant|customer|consumer|subject|token|session|caller|addr|(?:^|[._-])ip(?:$|[._-])|(?:^|_)host$/i;

/** The first lines stand for the whole log. */
const MOST_LINES = 2_000;

/** Collects the fields of a log that look like bucket names: by their own names, and by values that repeat. */
export class KeyFields {
  readonly #values = new Map<string, Set<string>>();
  readonly #used: ReadonlySet<string | undefined>;
  #lines = 0;

  constructor(used: readonly (string | undefined)[]) {
    this.#used = new Set(used);
  }

  add(fields: LineFields): void {
    if (this.#lines++ >= MOST_LINES) return;
    for (const name of fields.names()) {
      if (this.#used.has(name) || !KEY_NAME.test(name)) continue;
      const value = textOf(fields, name);
      if (value === undefined || value === '' || value === '-') continue;
      const values = this.#values.get(name) ?? new Set();
      this.#values.set(name, values.add(value));
    }
  }

  names(): readonly string[] {
    const lines = Math.min(this.#lines, MOST_LINES);
    return [...this.#values].filter(([, { size }]) => size > 1 && 2 * size <= lines).map(([name]) => name);
  }
}

/** A field that cannot be read names no bucket. */
function textOf(fields: LineFields, name: string): string | undefined {
  try {
    return fields.textOf(name);
  } catch {
    return undefined;
  }
}
