import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';

/** Whether a status of a log matches. */
export type StatusPattern = (status: string) => boolean;

/** One that says how it was written. */
export type WrittenPattern = StatusPattern & { readonly text: string };

/** Parses `2xx`, `429`, `200-299` or any word (`OK`, `RATE_LIMITED`), separated by commas. Throws INVALID_OPTION. */
export function parseStatusPattern(text: string): WrittenPattern {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === ''))
    throw invalidOption(`a status must be like 2xx, 429, 200-299, or a word; found ${quoted(text)}`);
  const patterns = parts.map(patternOf);
  return Object.assign((status: string) => patterns.some((pattern) => pattern(status)), { text });
}

function patternOf(part: string): StatusPattern {
  if (/^\dxx$/i.test(part)) return (status) => /^\d{3}$/.test(status) && status[0] === part[0];
  const [, low, high] = /^(\d+)-(\d+)$/.exec(part) ?? [];
  if (low !== undefined && Number(low) > Number(high))
    throw invalidOption(`a range of statuses begins with the lower one; found ${quoted(part)}`);
  if (low !== undefined) return (status) => Number(status) >= Number(low) && Number(status) <= Number(high);
  return (status) => status === part;
}
