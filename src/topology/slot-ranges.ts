/** Slots as CLUSTER NODES prints them: `0-99` or `205`. Throws RangeError for another form. */
export function parseRange(text: string): { readonly first: number; readonly last: number } {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === '') throw new RangeError(`slots are written 0-99 or 205; found ${text}`);
  return { first: Number(first), last: Number(last) };
}

/** Rising slots as ranges: `0-99,205`. */
export function formatSlots(slots: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const slot of slots) {
    const open = ranges.at(-1);
    if (open !== undefined && slot === open.last + 1) open.last = slot;
    else ranges.push({ first: slot, last: slot });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
