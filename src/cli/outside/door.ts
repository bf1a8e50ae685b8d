/** A way out of a simulation: a member of an object that any code of this process can reach. */
export interface Door {
  readonly of: object;
  readonly name: PropertyKey;
  /** As code names it. */
  readonly shown: string;
  /** What to do instead: a verb first. */
  readonly instead: string;
  /** A limiter that uses it decides no worse. */
  readonly harmless?: true;
  /** It ends at another moment in each run, which changes nothing while modules are loaded: no virtual time passes then. */
  readonly mayLoad?: true;
  /** Whether a call with these arguments leads outside. Default: each does. */
  readonly when?: (args: readonly unknown[], isNew: boolean) => boolean;
}

const given = (names: string) => `use ${names}, which createLimiter is given`;

export const INSTEAD = {
  clock: given('time.dateMs or time.nowUs'),
  timer: given('time.after'),
  interval: given('time.every'),
  soon: given('time.soon'),
  random: given('randomUpTo'),
  connection: given('scripts.run'),
  sync: 'use the function that returns its result, or await it while the file is loaded',
  other: 'use what createLimiter is given',
};

/** Members of an object that is shown by this name, except a class itself. */
export function doorsOf(
  shown: string,
  of: object | undefined,
  names: RegExp,
  more: Omit<Door, 'of' | 'name' | 'shown'>,
): Door[] {
  return Object.getOwnPropertyNames(of ?? {})
    .filter((name) => name !== 'constructor' && names.test(name))
    .map((name) => ({ of: of as object, name, shown: shown === '' ? name : `${shown}.${name}`, ...more }));
}
