import { nearest } from '../core/did-you-mean.ts';

/** `; did you mean "x"?` for the nearest of the names if one is near, otherwise an empty text. */
export function didYouMean(found: unknown, names: readonly string[]): string {
  const name = typeof found === 'string' ? nearest(found, names) : undefined;
  return name === undefined ? '' : `; did you mean "${name}"?`;
}
