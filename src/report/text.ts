import { printable as printableText } from '../core/errors.ts';

/** A number of tokens as people read it. */
export function tokensText(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : amount.toFixed(3);
}

/** Microseconds as milliseconds. */
export function msText(us: number): string {
  return (us / 1_000).toFixed(1);
}

/** Microseconds as seconds. */
export function secondsText(us: number): string {
  return (us / 1_000_000).toFixed(3);
}

/** A document whose texts, keys included, can be shown whoever wrote them. Every renderer starts with this. */
export function printable<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return printableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [printableText(key), clean(inner)]));
}
