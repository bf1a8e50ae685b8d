import { parseList } from 'structured-headers';

/** A structured-field list of items, as `{ value: { parameter: ... } }`; throws where it is none. */
export function readList(field: string | null): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    parseList(field ?? '').map(([value, parameters]) => [String(value), Object.fromEntries(parameters)]),
  );
}
