import type {
  Cost,
  Limiter,
  RehomeOptions,
  Reservation,
  ReserveOptions,
  Subject,
} from '../limiter/limiter.ts';
import { readError, readResult } from './read-answer.ts';
import { attempt, recordCall } from './record-call.ts';
import { type AnyOptions, bucketOf } from './record-options.ts';
import { recordedReservation } from './recorded-reservation.ts';
import type { TakeRecorder } from './recorder.ts';
import type { Answer, Asked } from './taken.ts';

/** Any object that takes. */
export interface TakesObject {
  take(...args: never[]): unknown;
}

/** Whether it is a limiter of this library, which decides in real time. */
export function isLimiter(object: TakesObject): object is Limiter {
  return typeof (object as Partial<Limiter>).policiesOf === 'function';
}

/** The same object, whose takes are recorded; those of this library also have refunds, resets and `tryTake`. */
export function recordedLimiter<L extends TakesObject>(
  limiter: L,
  recorder: TakeRecorder,
  options: AnyOptions,
): L {
  const methods: Readonly<Record<string, Recorded>> = {
    take: { sign: 1, read: (result) => readResult(result, options.decide) },
    ...(isLimiter(limiter) && {
      tryTake: { sign: 1, read: (result) => (result === undefined ? undefined : readResult(result)) },
      refund: { sign: -1, read: () => ({ outcome: 'allowed' }) },
    }),
  };
  const wrapped = new Map<unknown, unknown>();
  return new Proxy(limiter, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (!wrapped.has(value)) wrapped.set(value, wrap(value as Method, String(name)));
      return wrapped.get(value);
    },
  });

  function wrap(method: Method, name: string): Method {
    const run = (args: readonly unknown[]) => Reflect.apply(method, limiter, args);
    const recorded = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (recorded !== undefined)
      return (...args) => {
        const asked = () => askedOf(limiter, args, recorded.sign, options);
        return recordCall({ recorder, asked, read: recorded.read }, () => run(args));
      };
    if (name === 'reset' && isLimiter(limiter)) return (...args) => reset(recorder, args, () => run(args));
    if (name === 'rehome' && isLimiter(limiter)) return (...args) => rehome(recorder, args, () => run(args));
    if (name === 'reserve' && isLimiter(limiter))
      return (...args) =>
        reserve(
          recorder,
          () => reservingOf(limiter, args, options),
          () => run(args),
        );
    return (...args) => run(args);
  }
}

type Method = (...args: readonly unknown[]) => unknown;

interface Recorded {
  readonly sign: 1 | -1;
  readonly read: (result: unknown) => Answer | undefined;
}

function askedOf(limiter: TakesObject, args: readonly unknown[], sign: 1 | -1, options: AnyOptions): Asked {
  const [subject, given] = args;
  const { cost = 1, decisionId } = (given ?? {}) as { cost?: Cost; decisionId?: unknown };
  return {
    bucket: options.bucket === undefined ? nameOf(subject) : bucketOf(options.bucket, args),
    cost: options.cost?.(...args) ?? cost,
    sign,
    ...(typeof decisionId === 'string' && { decisionId }),
    ...(isLimiter(limiter) && { ownPolicies: () => limiter.policiesOf(subject as Subject) }),
  };
}

/** A subject as `endpoint:user`. A colon or a percent sign in the endpoint is encoded, so no two subjects share a name. */
export function nameOf(subject: unknown): string {
  const { user, endpoint } = (subject ?? {}) as Partial<Subject>;
  if (typeof user !== 'string' || typeof endpoint !== 'string') return subject as string; // the recorder checks it
  return `${endpoint.replace(/[%:]/g, encodeURIComponent)}:${user}`;
}

/** A reset that certainly did not happen is not recorded; one without an answer may act at any later time. */
function reset(recorder: TakeRecorder, [subject]: readonly unknown[], run: () => unknown): unknown {
  const resetting = recorder.reset(nameOf(subject));
  const result = run();
  if (result instanceof Promise)
    result.then(
      () => resetting.over(),
      (error: { charge?: unknown }) => {
        if (error?.charge === 'none') resetting.never();
      },
    );
  return result;
}

/** Without an answer of Redis a move may still go on. A refused one is over. */
function rehome(recorder: TakeRecorder, [subject, given]: readonly unknown[], run: () => unknown): unknown {
  const { from, to, move } = (given ?? {}) as Partial<RehomeOptions>;
  const args = {
    bucket: nameOf(subject),
    from: from ?? null,
    to: to ?? null,
    ...(move !== undefined && { move }),
  };
  const moving = recorder.move(args);
  const result = run();
  if (result instanceof Promise)
    result.then(
      () => moving.over(),
      ({ code }: { readonly code?: unknown }) => {
        if (code === 'MOVE_REFUSED') moving.over();
        if (code === 'INVALID_OPTION') moving.never();
      },
    );
  return result;
}

/** What a reservation asks for. Its ids are none of takes. */
function reservingOf(limiter: TakesObject, args: readonly unknown[], options: AnyOptions): Asked {
  const { decisionId, ...asked } = askedOf(limiter, args, 1, options);
  const { expiresMs } = (args[1] ?? {}) as ReserveOptions;
  return {
    ...asked,
    ...(decisionId !== undefined && { decisionId: `reservation ${decisionId}` }),
    reserves: { expiresMs },
  };
}

async function reserve(
  recorder: TakeRecorder,
  askedOf: () => Asked,
  run: () => unknown,
): Promise<Reservation> {
  const asked = attempt(recorder, askedOf);
  const index = asked && recorder.begin(asked);
  try {
    const reservation = (await run()) as Reservation;
    const record = recorder.end(index, readResult(reservation.decision));
    return asked === undefined ? reservation : recordedReservation(reservation, record, { recorder, asked });
  } catch (error) {
    recorder.end(index, readError(error));
    throw error;
  }
}
