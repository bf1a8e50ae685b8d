/** The default time for which a late spend still counts. */
export const DEFAULT_MAX_AGE_MS = 60_000;
