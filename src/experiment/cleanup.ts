/** What must be undone at the end of a run, in reverse order, whatever happened in between. */
export class Cleanup {
  readonly #undos: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#undos.push({ what, undo });
  }

  /** Undoes everything, also after one undo failed; gives the sentences of those that did. */
  async run(): Promise<string[]> {
    const failures: string[] = [];
    for (let next = this.#undos.pop(); next !== undefined; next = this.#undos.pop()) {
      await next.undo().catch((error: unknown) => failures.push(`${next?.what}: ${String(error)}`));
    }
    return failures;
  }
}
