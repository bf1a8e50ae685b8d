import { OpenclawError, quoted } from '../core/errors.ts';

/** What an object of options may have: the compiler finds what is missing here. */
export type Known<T> = Readonly<Record<keyof T, true>>;

export interface OptionRules<T> {
  /** Whose options they are. */
  readonly of: string;
  readonly known: Known<T>;
  readonly hint?: string;
}

/**
 * Throws INVALID_OPTION for what is no object, and for a member that nobody would read: what is misspelt would silently
 * have its default.
 */
export function checkKnown<T extends object>(
  options: T,
  { of, known, hint = 'correct its name, or leave it out' }: OptionRules<T>,
): void {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  const unknown = isObject ? unknownIn(options, known) : options;
  if (unknown === undefined) return;
  const names = Object.keys(known).join(', ');
  throw new OpenclawError('INVALID_OPTION', `options of ${of} are ${names}; found ${quoted(unknown)}`, {
    hint,
  });
}

/** A loop, since a take with a cost comes this way: a list of its names would take as long as the decision. */
function unknownIn<T extends object>(options: T, known: Known<T>): string | undefined {
  for (const name in options) if (known[name] !== true && options[name] !== undefined) return name;
  return undefined;
}
