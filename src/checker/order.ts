/** Moves that insertion may make for each row before sorting starts again by merging. */
const MOVES_PER_ROW = 16;

/**
 * Sorts the first `count` rows by key, stable. Histories are recorded almost in order, so insertion is tried
 * first: linear where rows are displaced by a few places only. Whatever is not that is sorted by merging:
 * n log n at worst.
 */
export function sortRows(rows: Uint32Array, count: number, keyOf: (row: number) => number): void {
  let moves = MOVES_PER_ROW * count;
  for (let next = 1; next < count; next++) {
    const row = rows[next] as number;
    const key = keyOf(row);
    let at = next;
    for (; at > 0 && keyOf(rows[at - 1] as number) > key; at--) rows[at] = rows[at - 1] as number;
    rows[at] = row;
    moves -= next - at;
    if (moves < 0) {
      mergeSort(rows, count, keyOf);
      return;
    }
  }
}

function mergeSort(rows: Uint32Array, count: number, keyOf: (row: number) => number): void {
  let keys = Float64Array.from(rows.subarray(0, count), keyOf);
  let from = rows.slice(0, count);
  let to = new Uint32Array(count);
  let toKeys = new Float64Array(count);
  for (let run = 1; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) {
      const middle = Math.min(start + run, count);
      mergeRuns({ from, keys, to, toKeys, start, middle, end: Math.min(middle + run, count) });
    }
    [from, to, keys, toKeys] = [to, from, toKeys, keys];
  }
  rows.set(from);
}

interface Merge {
  readonly from: Uint32Array;
  readonly keys: Float64Array;
  readonly to: Uint32Array;
  readonly toKeys: Float64Array;
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

function mergeRuns({ from, keys, to, toKeys, start, middle, end }: Merge): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const takeLeft = left < middle && (right >= end || (keys[left] as number) <= (keys[right] as number));
    const source = takeLeft ? left++ : right++;
    to[at] = from[source] as number;
    toKeys[at] = keys[source] as number;
  }
}
