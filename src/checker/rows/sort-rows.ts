/** The most moves of the insertion sort for each row; beyond it, the merge sort starts. */
const MOVES_PER_ROW = 16;

/**
 * Sorts the first `count` rows by key, stable. Histories are nearly in order, so insertion comes first: it is linear if
 * rows are displaced by a few places. Other orders are sorted by merging, in n log n at worst.
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

/** The number of leading rows, of the first `count`, that satisfy a condition; no row after them satisfies it. */
export function countWhile(rows: ArrayLike<number>, count: number, holds: (row: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(rows[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `filter` of a typed array without an intermediate list. */
export function rowsWhere(rows: Uint32Array, holds: (row: number) => boolean): Uint32Array<ArrayBuffer> {
  let count = 0;
  for (let at = 0; at < rows.length; at++) if (holds(rows[at] as number)) count++;
  const found = new Uint32Array(count);
  let next = 0;
  for (let at = 0; at < rows.length; at++) if (holds(rows[at] as number)) found[next++] = rows[at] as number;
  return found;
}

/** `Float64Array.from` without an intermediate list. */
export function numbersOf(rows: Uint32Array, numberOf: (row: number) => number): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at++) numbers[at] = numberOf(rows[at] as number);
  return numbers;
}

function mergeSort(rows: Uint32Array, count: number, keyOf: (row: number) => number): void {
  let keys = numbersOf(rows.subarray(0, count), keyOf);
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
