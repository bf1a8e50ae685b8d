import { OpenclawError, quoted } from '../../core/errors.ts';

/** Whether a status of a log is one of those meant. */
export type StatusPattern = (status: string) => boolean;

/** Parses `2xx`, `429`, `200-299` or any word (`OK`, `RATE_LIMITED`), several with commas. Throws INVALID_OPTION. */
export function parseStatusPattern(text: string): StatusPattern {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === ''))
    throw new OpenclawError(
      'INVALID_OPTION',
      `a status is written 2xx, 429, 200-299 or as a word; found ${quoted(text)}`,
    );
  const patterns = parts.map(patternOf);
  return (status) => patterns.some((pattern) => pattern(status));
}

function patternOf(part: string): StatusPattern {
  if (/^\dxx$/i.test(part)) return (status) => /^\d{3}$/.test(status) && status[0] === part[0];
  const [, low, high] = /^(\d+)-(\d+)$/.exec(part) ?? [];
  if (low !== undefined && Number(low) > Number(high))
    throw new OpenclawError(
      'INVALID_OPTION',
      `a range of statuses begins with the lower one; found ${quoted(part)}`,
    );
  if (low !== undefined) return (status) => Number(status) >= Number(low) && Number(status) <= Number(high);
  return (status) => status === part;
}
