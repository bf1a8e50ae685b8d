/** The steps that must be undone at the end of a run, in reverse order, also when it fails. */
export class Cleanup {
  readonly #undos: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#undos.push({ what, undo });
  }

  /** Undoes every step, also after one fails; gives a sentence for each failure. */
  async run(): Promise<string[]> {
    const failures: string[] = [];
    for (let next = this.#undos.pop(); next !== undefined; next = this.#undos.pop()) {
      await next.undo().catch((error: unknown) => failures.push(`${next?.what}: ${String(error)}`));
    }
    return failures;
  }
}
