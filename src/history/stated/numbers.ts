const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,9})?$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** A number of a header; undefined for any other text. */
export function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && NUMBER.test(text) ? Number(text) : undefined;
}

/** Adds a header Retry-After: seconds, or a date in the form that HTTP prescribes. */
export function addRetryAfter(
  stated: { retryAfterS?: number; retryAtS?: number },
  text: string | undefined,
): void {
  const retryAfterS = readNumber(text);
  if (retryAfterS !== undefined) stated.retryAfterS = retryAfterS;
  else if (text !== undefined && HTTP_DATE.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) stated.retryAtS = ms / 1_000;
  }
}
