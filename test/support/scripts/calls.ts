import { makePolicy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';
import { policyArgs } from '../../../src/limiter/redis/script.ts';

/** One call of a script of `lua/`, as drawn for a walk. */
export interface Call {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Policies of equal and of other units, small and large. */
const POLICIES = [
  makePolicy(5, '1/s'),
  makePolicy(12, '1/s'),
  makePolicy(20, '4/s'),
  makePolicy(3, '7/7s'),
  makePolicy(100, '50/s'),
  makePolicy(1_000, '0.00123/7s'),
  makePolicy(9, '100000/d'),
].map((policy) => ({
  args: policyArgs(policy),
  capacity: policy.capacityTokens,
  unit: policy.quantaPerToken,
}));

/** Draws calls for one walk: few keys, ids and numbers, so that each call meets what others left. */
export class Calls {
  readonly #random: Random;
  readonly #tag: string;
  /** The clock of the node, for arguments that are times of it. */
  clockUs = 0;
  /** The life that active-read answered last. */
  life = '0';

  constructor(random: Random, tag: string) {
    this.#random = random;
    this.#tag = tag;
  }

  /** A whole number from 0 to below this; small ones come more often than large ones. */
  upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.upTo(of.length)] as T;
  }

  key(kind: string, count: number): string {
    return `{${this.#tag}}:${kind}${this.upTo(count)}`;
  }

  /** Every key that calls have. */
  allKeys(): { readonly buckets: string[]; readonly others: string[] } {
    const named = (kind: string, count: number) =>
      Array.from({ length: count }, (_, i) => `{${this.#tag}}:${kind}${i}`);
    return {
      buckets: named('bucket', 3),
      others: [
        ...named('record', 2),
        ...named('id', 2),
        ...named('move', 2),
        ...ACTIVE.flatMap((kind) => named(kind, 2)),
        ...named('old', 2),
      ],
    };
  }

  draw(script: string): Call {
    const drawn = DRAWS[script]?.(this);
    if (drawn === undefined) throw new Error(`no calls of ${script} are drawn`);
    const args = drawn.args.map(String);
    // Rarely an argument is wrong: then the error must be the same.
    if (this.upTo(200) === 0 && args.length > 0)
      args[this.upTo(args.length)] = this.pick(['', 'x', '-1', '1e3', '0.5']);
    return { script, keys: drawn.keys, args };
  }

  /** Up to three policies, each with some tokens of it. */
  policies(): {
    readonly args: readonly string[];
    readonly capacity: number;
    readonly unit: number;
    readonly tokens: number;
  }[] {
    return Array.from({ length: this.pick([1, 1, 1, 2, 3]) }, () => {
      const policy = this.pick(POLICIES);
      return { ...policy, tokens: this.upTo(Math.min(policy.capacity, this.pick([2, 6, 1_000])) + 1) };
    });
  }

  bucket = () => this.key('bucket', 3);
  record = () => this.key('record', 2);
  id = () => this.key('id', 2);
  memory = () => 1 + this.upTo(this.pick([3, 3_000, 300_000]));
}

const ACTIVE = ['region', 'outbox', 'cursors', 'shared'];

type Draw = (calls: Calls) => { readonly keys: string[]; readonly args: readonly (string | number)[] };

/** The arguments of each policy, with a number of its tokens. */
const withTokens = (calls: Calls) => calls.policies().flatMap(({ args, tokens }) => [...args, tokens]);
const withQuanta = (calls: Calls) =>
  calls.policies().flatMap(({ args, tokens, unit }) => [...args, tokens * unit]);
const single = (calls: Calls) => {
  const [policy] = calls.policies();
  if (policy === undefined) throw new Error('no policy');
  return policy;
};
const move = (calls: Calls) => {
  const place = calls.upTo(2);
  const [bucket, record] = ['bucket', 'move'].map((kind) => calls.key(kind, 1).replace(/0$/, String(place)));
  return [bucket, record] as string[];
};

const DRAWS: Readonly<Record<string, Draw>> = {
  take(calls) {
    const { args, tokens, unit } = single(calls);
    return { keys: [calls.bucket()], args: [...args, tokens * unit] };
  },
  'take-each'(calls) {
    const takes = Array.from({ length: 1 + calls.upTo(4) }, () => single(calls));
    return {
      keys: takes.map(calls.bucket),
      args: takes.flatMap(({ args, tokens, unit }) => [...args, tokens * unit]),
    };
  },
  'take-all': (calls) => ({
    keys: calls.upTo(2) === 0 ? [calls.bucket()] : [calls.bucket(), calls.id()],
    args: [calls.memory(), ...withQuanta(calls)],
  }),
  refund: (calls) => ({
    keys: calls.upTo(2) === 0 ? [calls.bucket()] : [calls.bucket(), calls.id()],
    args: [calls.memory(), ...withQuanta(calls)],
  }),
  peek: (calls) => ({ keys: [calls.bucket()], args: calls.policies().flatMap(({ args }) => args) }),
  reset: (calls) => ({ keys: [calls.bucket()], args: [] }),
  lease(calls) {
    const terms = [...single(calls).args, 1 + calls.upTo(calls.pick([10, 3_000_000]))];
    const ids = [2, 2, calls.pick([1, 5])].map((most) => 1 + calls.upTo(most));
    const request = [...ids, ...[calls.pick([1, 9]), 4, 12, 3].map((most) => calls.upTo(most))];
    return { keys: [calls.bucket()], args: [terms.join(' '), request.join(' ')] };
  },
  reserve: (calls) => ({
    keys: [calls.bucket(), calls.record()],
    args: [1 + calls.upTo(2), calls.pick([0, 1, 500_000, 5_000_000]), calls.memory(), ...withTokens(calls)],
  }),
  extend: (calls) => ({
    keys: [calls.bucket(), calls.record()],
    args: [1 + calls.upTo(2), 1 + calls.upTo(4), 1 + calls.upTo(2), ...withTokens(calls)],
  }),
  settle(calls) {
    const policies = calls.policies().flatMap(({ args, tokens }) => [...args, calls.pick([-1, tokens])]);
    return { keys: [calls.bucket(), calls.record()], args: [1 + calls.upTo(2), calls.memory(), ...policies] };
  },
  'rehome-close': (calls) => ({ keys: move(calls), args: [1 + calls.upTo(6), calls.memory()] }),
  'rehome-cancel': (calls) => ({ keys: move(calls), args: [1 + calls.upTo(6), calls.memory()] }),
  'rehome-leave': (calls) => ({
    keys: move(calls),
    args: [
      ...[1 + calls.upTo(6), calls.memory(), calls.upTo(2), calls.pick([-1, 4_000_000_000])],
      ...calls.policies().flatMap(({ args }) => args),
    ],
  }),
  'rehome-open'(calls) {
    const parts = calls
      .policies()
      .flatMap(({ args, tokens, unit, capacity }) => [
        ...args,
        tokens * unit,
        unit,
        capacity + calls.upTo(2),
      ]);
    return { keys: move(calls), args: [1 + calls.upTo(6), calls.memory(), ...parts] };
  },
  article: (calls) => ({
    keys: [calls.key('old', 2)],
    args: [calls.pick([3, 10]), calls.pick([1, '0.3', '2.5']), 1_700_000_000 + calls.upTo(20)],
  }),
  'active-take'(calls) {
    const { args, tokens, unit } = single(calls);
    const place = calls.upTo(2);
    return {
      keys: [
        calls.key('region', 1),
        calls.key('outbox', 1),
        `${calls.key('shared', 1).slice(0, -1)}${place}`,
      ],
      args: [
        ...args,
        tokens * unit,
        1,
        1,
        1_000_000,
        calls.pick([3, 150, 1_000]),
        calls.pick(['spends', 'spends', 'last-write']),
      ],
    };
  },
  'active-read': (calls) => ({
    keys: [calls.key('region', 1), calls.key('outbox', 1)],
    args: [
      calls.pick(['0', calls.life, calls.life]),
      `0-${calls.upTo(300)}`,
      calls.pick([1, 10, 500]),
      1_000_000,
    ],
  }),
  'active-merge'(calls) {
    const buckets = Array.from({ length: calls.upTo(3) }, () => calls.key('shared', 2));
    const spends = buckets.flatMap(() => {
      const { args, unit } = single(calls);
      const count = calls.upTo(4);
      const each = Array.from({ length: count }, () => [
        calls.clockUs - calls.upTo(3_000_000),
        calls.upTo(5) * unit,
        calls.pick([7, 8]),
      ]);
      return [
        ...args.slice(0, 2),
        calls.pick([args[2] as string, args[2] as string, '0']),
        count,
        ...each.flat(),
      ];
    });
    const position = () => `${calls.pick([7, 8])} 0-${calls.upTo(3)}`;
    const [life = '7', id = '0-1'] = position().split(' ');
    const requested = calls.pick(['', `${calls.clockUs} ${calls.upTo(3)}`]);
    return {
      keys: [calls.key('region', 1), calls.key('cursors', 1), ...buckets],
      args: [
        ...[
          'west',
          2,
          life,
          calls.pick(['', id]),
          requested,
          1_000_000,
          calls.pick(['spends', 'last-write']),
        ],
        ...[calls.pick(['0 0-0', position()]), calls.pick([0, 0, 2]), ...spends],
      ],
    };
  },
};
