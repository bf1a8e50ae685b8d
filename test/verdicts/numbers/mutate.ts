import type { Dice } from '../soak/dice.ts';
import { simulate } from '../soak/history.ts';

/** A history of our own format some of whose numbers were replaced. */
export interface Mutated {
  readonly seed: number;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly promise: string;
  readonly clockSlackUs?: number;
}

const EDGES = [
  ...[0, -1, 1, 2, 0.5, -0.5, 1e-9, 127, 128, -128, 86_400_000_000],
  ...[31, 32, 52, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]),
  ...[-(2 ** 31), -(2 ** 53 - 1), 1e15, 1e16, 1e300, 3_600_000_000, 4_294_967_294, 7_200_000_000],
];
const POLICIES = [
  { capacity: 1, refill: { tokens: 1, perUs: 86_400_000_000 } },
  { capacity: 1, refill: { tokens: 1, perUs: 2 ** 52 - 1 } },
  { capacity: 2 ** 51, refill: { tokens: 2 ** 51, perUs: 1 } },
  { capacity: 2 ** 31, refill: { tokens: 999_983, perUs: 999_979 } },
  { capacity: 1, refill: { tokens: 2 ** 50, perUs: 3 } },
  { capacity: 4_503_599, refill: { tokens: 1, perUs: 1_000_000_000 } },
];
const LIMITS = [1, 20, 2 ** 31 + 1, 999_999_999_999_999];
const WINDOWS = ['1us', '1ms', '1s', '86400s', '4000000000s'];
const FORMS = ['fixed-window:', 'sliding-window:', 'sliding-counter:'];

/** What the seed stands for: a history of a correct limiter, of which a few numbers, or a whole field, are replaced. */
export function mutate(seed: number, dice: Dice): Mutated | undefined {
  const { files, promise, args } = simulate(seed);
  if (args !== undefined) return undefined;
  const kept = files.map(({ name, text }) => ({ name, records: recordsOf(text) }));
  const records = kept.flatMap((file) => file.records);
  if (dice.chance(0.3)) replacePolicy(records, dice);
  const places = records.flatMap((record) => [...numbersIn(record)]);
  if (places.length === 0) return undefined;
  const isWhole = dice.chance(0.25);
  for (let left = isWhole ? 1 : dice.pick([0, 1, 1, 2, 4]); left > 0; left--) {
    const place = dice.pick(places);
    const same = isWhole ? places.filter(({ key }) => key === place.key) : [place];
    const value = replacement(dice, places);
    for (const one of same) one.holder[one.key] = value(one.holder[one.key] as number);
  }
  return {
    seed,
    files: kept.map((file) => ({
      name: file.name,
      text: file.records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    })),
    promise: dice.chance(0.6) ? promise : anyPromise(dice),
    ...(dice.chance(0.1) && { clockSlackUs: dice.pick([0, 1, 1_000_000, 2 ** 40]) }),
  };
}

type Holder = Record<string, unknown>;

function recordsOf(text: string): Holder[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Holder];
    } catch {
      return []; // the last line of one that was cut
    }
  });
}

/** Every number of a record, however deep, and each time that is not known. */
function* numbersIn(holder: Holder): Generator<{ holder: Holder; key: string }> {
  for (const [key, value] of Object.entries(holder)) {
    if (typeof value === 'number' || (value === null && key === 'completedUs')) yield { holder, key };
    else if (typeof value === 'object' && value !== null) yield* numbersIn(value as Holder);
  }
}

function replacement(
  dice: Dice,
  places: readonly { holder: Holder; key: string }[],
): (value: number) => unknown {
  const edge = dice.pick(EDGES);
  const other = dice.pick(places);
  const swapped = other.holder[other.key];
  return dice.pick<(value: number) => unknown>([
    () => edge,
    () => edge,
    () => swapped,
    (value) => value + edge,
    (value) => value * edge,
    (value) => -value,
    (value) => value + dice.pick(EDGES),
  ]);
}

function replacePolicy(records: readonly Holder[], dice: Dice): void {
  const policy = dice.pick(POLICIES);
  for (const record of records) {
    if (record.type !== 'header') continue;
    if (record.policy !== undefined) record.policy = structuredClone(policy);
    const named = record.policies as Holder | undefined;
    if (named !== undefined) for (const name of Object.keys(named)) named[name] = structuredClone(policy);
  }
}

function anyPromise(dice: Dice): string {
  if (dice.chance(0.3)) return 'token-bucket';
  const form = dice.pick(FORMS);
  const alignment = form === 'fixed-window:' ? dice.pick(['', ':epoch', ':first']) : '';
  return `${form}${dice.pick(LIMITS)}/${dice.pick(WINDOWS)}${alignment}`;
}
