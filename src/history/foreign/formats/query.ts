import { bytesOf, decodeBytes } from '../names.ts';

/**
 * The value of the first parameter of that name in an address, with or without a host, decoded like a form: `+` is a
 * blank and `%E9` a byte. Unlike `URLSearchParams`, it keeps bytes distinct that are not UTF-8.
 */
function queryParameter(address: string, name: string): string | undefined {
  const start = address.indexOf('?');
  if (start === -1) return undefined;
  const end = address.indexOf('#', start);
  for (const part of address.slice(start + 1, end === -1 ? undefined : end).split('&')) {
    const equals = part.indexOf('=');
    if (decoded(equals === -1 ? part : part.slice(0, equals)) === name)
      return equals === -1 ? '' : decoded(part.slice(equals + 1));
  }
  return undefined;
}

const PREFIX = 'query.';

/** The value of a field `query.<name>`; undefined for other fields, and if the address has no such parameter. */
export function parameterOf(address: unknown, field: string): string | undefined {
  if (!field.startsWith(PREFIX) || typeof address !== 'string') return undefined;
  return queryParameter(address, field.slice(PREFIX.length));
}

/** The names of the fields `query.<name>` of an address. */
export function parameterNames(address: unknown): string[] {
  if (typeof address !== 'string') return [];
  const query = /\?([^#]*)/.exec(address)?.[1] ?? '';
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => `${PREFIX}${decoded(part.replace(/=.*$/s, ''))}`);
}

function decoded(text: string): string {
  const blank = text.replaceAll('+', ' ');
  if (!blank.includes('%')) return blank;
  return blank.replace(/(?:%[0-9A-Fa-f]{2})+/g, (bytes) => decodeBytes(bytesOf(bytes, 3, 1)));
}
