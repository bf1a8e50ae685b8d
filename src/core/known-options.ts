import { invalidOption } from './errors.ts';
import { quoted, shown } from './printable.ts';

/** Every key of an options object; the compiler reports a missing one. */
export type Known<T> = Readonly<Record<keyof T, true>>;

export interface OptionNames<T> {
  /** The name of the options object in messages, or of the function that takes it. */
  readonly of: string;
  readonly isFunction?: boolean;
  readonly known: Known<T>;
  readonly hint?: string;
}

/**
 * Throws INVALID_OPTION if the options are not an object or have an unknown key, so that a typo cannot silently mean the
 * default.
 */
export function checkKnown<T extends object>(
  options: T,
  { of, isFunction = false, known, hint = 'correct the name, or remove the option' }: OptionNames<T>,
): void {
  const names = () => Object.keys(known).join(', ');
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidOption(
      `${isFunction ? `the options of ${of}` : of} must be an object with ${names()}; found ${shown(options)}`,
      hint,
    );
  const unknown = unknownIn(options, known);
  if (unknown === undefined) return;
  throw invalidOption(`unknown option ${quoted(unknown)} of ${of}; known options: ${names()}`, hint);
}

/** A loop: every take with a cost calls it, and `Object.keys` would cost as much as the decision. */
function unknownIn<T extends object>(options: T, known: Known<T>): string | undefined {
  for (const name in options) if (known[name] !== true && options[name] !== undefined) return name;
  return undefined;
}

const EXPECTED = {
  boolean: 'true or false',
  function: 'a function',
  object: 'an object',
  string: 'text',
} as const;

export interface OptionTypes<T> {
  readonly of: string;
  readonly types: { readonly [K in keyof T]?: keyof typeof EXPECTED };
}

/** Throws INVALID_OPTION if one of these options is neither absent nor of its type. */
export function checkTypes<T extends object>(options: T, { of, types }: OptionTypes<T>): void {
  for (const [name, type] of Object.entries(types) as [keyof T & string, keyof typeof EXPECTED][]) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === type && value !== null)) continue;
    const found = name === 'password' ? typeof value : shown(value); // a log is no place for passwords
    throw invalidOption(
      `option ${name} of ${of} must be ${EXPECTED[type]}; found ${found}`,
      'correct the value, or remove the option',
    );
  }
}
