import { nearest } from '../checker/nearest.ts';

/** `; did you mean "x"?` for the nearest of the names, if there is one; else nothing. */
export function didYouMean(found: unknown, names: readonly string[]): string {
  const name = typeof found === 'string' ? nearest(found, names) : undefined;
  return name === undefined ? '' : `; did you mean "${name}"?`;
}
