/** The option that is closest to what was typed, if it can be a slip: at most a third of its letters differ. */
export function nearest(typed: string, options: readonly string[]): string | undefined {
  const ranked = options
    .map((option) => ({ option, edits: editsBetween(typed, option) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.ceil(best.option.length / 3) ? best.option : undefined;
}

/** How many letters must be added, taken away or replaced to make one text of the other. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...from.slice(0, 64)].entries()) {
    const next = [i + 1];
    for (let at = 1; at <= to.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (letter === to[at - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
