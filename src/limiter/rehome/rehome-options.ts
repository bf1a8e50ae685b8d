import { invalidOption } from '../../core/errors.ts';
import { checkKnown, type Known } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';
import { timeToFullUs } from '../../core/retry-after.ts';
import type { NamedPolicy, RehomeOptions } from '../limiter.ts';

const KNOWN: Known<RehomeOptions> = { from: true, to: true, move: true, keepMs: true };

const DEFAULT_KEEP_MS = 7 * 86_400_000;
const MOST_KEEP_MS = 366 * 86_400_000;
/** How much longer than its bucket fills a mark lives at least. */
const MARGIN_MS = 60_000;

/** Checks the options, and adds the default. Throws INVALID_OPTION. */
export function readRehomeOptions(options: RehomeOptions): RehomeOptions & { readonly keepMs: number } {
  const hint = "use rehome(subject, { from: 'us-east', to: 'eu-west', move: 1 })";
  checkKnown(options, { of: 'rehome', known: KNOWN, hint });
  const { from, to, move, keepMs = DEFAULT_KEEP_MS } = options;
  if (!Number.isSafeInteger(move) || move < 1)
    throw invalidOption(
      `move must be a whole number of at least 1; found ${quoted(move)}`,
      'number the moves of a subject upward, for example by a counter beside its region',
    );
  if (from === to)
    throw invalidOption(
      `from and to must differ; found ${quoted(from)} twice`,
      'leave out the one without a home',
    );
  if (!Number.isSafeInteger(keepMs) || keepMs < 1 || keepMs > MOST_KEEP_MS)
    throw invalidOption(
      `keepMs must be 1 to ${MOST_KEEP_MS} whole milliseconds; found ${quoted(keepMs)}`,
      `the default is ${DEFAULT_KEEP_MS}, 7 days`,
    );
  return { ...options, keepMs };
}

/** How long marks live: as asked, but longer than any bucket of the subject takes to fill. */
export function keepOf(keepMs: number, policies: readonly NamedPolicy[]): number {
  const fullMs = policies.map(({ policy }) => Math.ceil(timeToFullUs(0, policy) / 1_000));
  return Math.max(keepMs, Math.max(...fullMs) + MARGIN_MS);
}
