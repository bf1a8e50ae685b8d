import { invalidOption } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';
import { EXTERNAL } from '../core/strategies.ts';
import { realClock, type TakeClock, undeclaredClock, virtualClock } from './clock.ts';
import { withHint } from './message.ts';
import { readResult } from './read-answer.ts';
import { recordCall } from './record-call.ts';
import { type AnyOptions, bucketOf, checkOptions, type RecordOptions } from './record-options.ts';
import { isLimiter, nameOf as nameOfSubject, recordedLimiter, type TakesObject } from './recorded-limiter.ts';
import { TakeRecorder } from './recorder.ts';
import type { TakeHistory } from './take-history.ts';
import type { Asked } from './taken.ts';

/** Gives the history of the takes until now. Throws if one of them could not be recorded. */
export type GiveHistory = () => TakeHistory;

type Handler<Args extends readonly unknown[]> = (...args: Args) => Response | Promise<Response>;

/**
 * Records the takes of a limiter for the matchers of this module. It returns what it was given, to be used in its place,
 * and `history`. It answers as the limiter does, waits for nothing, and sends nothing.
 *
 * - A limiter of this library, or an object with a method `take`: `limiter`. Its refunds and resets are recorded too.
 * - A Fetch handler: `fetch`. An address of a server: `fetch`, which takes a path.
 * - Any other function that takes: `take`. It returns `true` or `false`, `{ allowed, remaining?, retryAfterMs?, resetMs? }`,
 *   or what `decide` reads.
 *
 * Throws INVALID_OPTION for unknown and wrong options.
 */
export function recordTakes<L extends TakesObject>(
  limiter: L,
  options?: RecordOptions<Parameters<L['take']>, Awaited<ReturnType<L['take']>>>,
): { readonly limiter: L; readonly history: GiveHistory };
export function recordTakes(
  address: string | URL,
  options?: RecordOptions<readonly [request: Request], Response>,
): {
  readonly fetch: (path: string | URL, init?: RequestInit) => Promise<Response>;
  readonly history: GiveHistory;
};
export function recordTakes<Args extends readonly unknown[], H extends Handler<Args>>(
  handler: H & Handler<Args>,
  options?: RecordOptions<Args, Response>,
): { readonly fetch: H; readonly history: GiveHistory };
export function recordTakes<Args extends readonly unknown[], Result>(
  take: (...args: Args) => Result,
  options?: RecordOptions<Args, Awaited<Result>>,
): { readonly take: (...args: Args) => Result; readonly history: GiveHistory };
export function recordTakes(recorded: unknown, given: object = {}): object {
  return withHint(() => record(recorded, given));
}

function record(recorded: unknown, options: AnyOptions): object {
  checkOptions(options);
  const isOurs = isTakesObject(recorded) && isLimiter(recorded);
  const { initial = 'full', clocks, mostTakes = 100_000 } = options;
  const recorder = new TakeRecorder({
    ...{ initial, clocks, mostTakes },
    clock: chooseClock(options, isOurs),
    strategy: isOurs ? recorded.strategy : EXTERNAL,
  });
  const history = () => withHint(() => recorder.history());
  if (isTakesObject(recorded)) return { limiter: recordedLimiter(recorded, recorder, options), history };
  if (typeof recorded === 'function')
    return {
      take: wrap(recorded as Run, options, { recorder, nameOf: byFirstArgument }),
      fetch: wrap(recorded as Run, options, { recorder, nameOf: () => undefined }),
      history,
    };
  const base = readAddress(recorded);
  const send = wrap((request) => globalThis.fetch(request as Request), options, {
    ...{ recorder, nameOf: () => undefined },
  });
  return {
    fetch: (path: string | URL, init?: RequestInit) => send(new Request(new URL(path, base), init)),
    history,
  };
}

type Run = (...args: readonly unknown[]) => unknown;

/** What a function answers, each call in the bucket of the option, or by its arguments. */
function wrap(
  run: Run,
  options: AnyOptions,
  { recorder, nameOf }: { recorder: TakeRecorder; nameOf: (args: readonly unknown[]) => string | undefined },
): Run {
  const read = (result: unknown) => readResult(result, options.decide);
  const askedOf = (args: readonly unknown[]): Asked => {
    const bucket = options.bucket === undefined ? nameOf(args) : bucketOf(options.bucket, args);
    return {
      bucket: bucket ?? UNNAMED,
      cost: options.cost?.(...args) ?? 1,
      sign: 1,
      ...(bucket === undefined && { isUnnamed: true }),
    };
  };
  return (...args) => recordCall({ recorder, asked: () => askedOf(args), read }, () => run(...args));
}

/** The bucket of calls without a name. */
const UNNAMED = 'all requests';

function byFirstArgument(args: readonly unknown[]): string | undefined {
  return args.length === 0 ? undefined : nameOfSubject(args[0]);
}

function isTakesObject(recorded: unknown): recorded is TakesObject {
  return (
    typeof recorded === 'object' &&
    recorded !== null &&
    'take' in recorded &&
    typeof recorded.take === 'function'
  );
}

function chooseClock({ now }: AnyOptions, isOurs: boolean): TakeClock {
  if (typeof now === 'function') return virtualClock(now);
  return now === 'real' || isOurs ? realClock : undeclaredClock();
}

function readAddress(address: unknown): URL {
  if (address instanceof URL) return address;
  if (typeof address === 'string' && URL.canParse(address)) return new URL(address);
  throw invalidOption(
    `recordTakes takes a limiter, a function, or an address like http://127.0.0.1:3000; found ${quoted(address)}`,
    'an object without a method take needs a function: recordTakes((key) => limiter.consume(key))',
  );
}
