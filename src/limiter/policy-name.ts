import { OpenclawError, quoted } from '../core/errors.ts';

/** Names stand in headers, between quotes. Throws INVALID_OPTION. */
export function checkName(name: string): string {
  if (/^[\w.-]{1,64}$/.test(name)) return name;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a policy's name is 1 to 64 letters, digits and _ . - ; found ${quoted(name)}`,
    { hint: 'choose another name' },
  );
}
