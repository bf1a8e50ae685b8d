import { crc32 } from 'node:zlib';
import { OpenclawError } from '../../core/errors.ts';
import type { NamedPolicy } from '../limiter.ts';
import type { RunWrites } from '../redis/port.ts';
import { loadScript, policyArgs } from '../redis/script.ts';

/** The keys of a bucket and of the record of its last move. */
export type MoveKeys = readonly [bucket: string, record: string];

/** A level as it left, in the unit of then. */
export interface LeftLevel {
  readonly levelQuanta: number;
  readonly quantaPerToken: number;
  readonly mostTokens: number;
}

/** Of lua/shared/move.lua, in their order. */
const STATUSES = [
  'done',
  'repeated',
  'later',
  'unfinished',
  'at home',
  'away',
  'used',
  'not closed',
  'lent',
] as const;

export type Refusal = Exclude<(typeof STATUSES)[number], 'done' | 'repeated' | 'lent'>;

export interface StepReply {
  readonly status: (typeof STATUSES)[number];
  /** The move that it is about. */
  readonly move: number;
  readonly node: string;
}

export interface LeaveReply extends StepReply {
  /** Until all lent tokens are back. */
  readonly waitUs: number;
  readonly levels: readonly LeftLevel[];
}

export interface StepArgs {
  readonly move: number;
  readonly keepMs: number;
}

export interface LeaveArgs extends StepArgs {
  /** The region of the new home. */
  readonly to: string | undefined;
}

/** The steps of a move, as protocol.ts describes them. A reply comes once the replicas have what its step wrote. */
export interface Steps {
  close(keys: MoveKeys, args: StepArgs): Promise<StepReply>;
  leave(keys: MoveKeys, args: LeaveArgs, policies: readonly NamedPolicy[]): Promise<LeaveReply>;
  open(
    keys: MoveKeys,
    args: StepArgs & { readonly levels: readonly LeftLevel[] },
    policies: readonly NamedPolicy[],
  ): Promise<StepReply>;
  cancel(keys: MoveKeys, args: StepArgs): Promise<StepReply>;
}

/** `lends`: whether the strategy lends tokens. */
export function stepsBy(run: RunWrites, { lends }: { readonly lends: boolean }): Steps {
  const scripts = {
    close: loadScript('rehome-close'),
    leave: loadScript('rehome-leave'),
    open: loadScript('rehome-open'),
    cancel: loadScript('rehome-cancel'),
  };

  async function ask(
    name: keyof typeof scripts,
    keys: MoveKeys,
    { move, keepMs }: StepArgs,
    more: string[] = [],
  ) {
    const { values, node, acked } = await run(scripts[name], keys, [String(move), String(keepMs), ...more]);
    const [state = -1, about = 0] = values;
    const status = STATUSES[state];
    if (status === undefined)
      throw new OpenclawError(
        'REPLY_UNEXPECTED',
        `${scripts[name].name}: unknown status ${state} from ${node}`,
      );
    if (status === 'done' || status === 'repeated') await acked?.(); // refusals write nothing
    return { status, move: about, node, values };
  }

  return {
    close: (keys, args) => ask('close', keys, args),
    cancel: (keys, args) => ask('cancel', keys, args),
    async leave(keys, { to, ...args }, policies) {
      const more = [lends ? '1' : '0', numberOf(to), ...policies.flatMap(({ policy }) => policyArgs(policy))];
      const { values, ...reply } = await ask('leave', keys, args, more);
      return { ...reply, waitUs: values[2] ?? 0, levels: readLevels(values.slice(3)) };
    },
    open: (keys, { levels, ...args }, policies) =>
      ask(
        'open',
        keys,
        args,
        policies.flatMap(({ policy }, i) => {
          const { capacityQuanta, quantaPerToken, capacityTokens } = policy;
          const full = { levelQuanta: capacityQuanta, quantaPerToken, mostTokens: capacityTokens };
          const left = levels[i] ?? full; // a policy that was added since is full
          return [...policyArgs(policy), ...Object.values(left).map(String)];
        }),
      ),
  };
}

/** A number of a home, the same in every table. Below 0 for the key without a home. */
function numberOf(region: string | undefined): string {
  return String(region === undefined ? -1 : crc32(region));
}

function readLevels(values: readonly number[]): LeftLevel[] {
  return Array.from({ length: values.length / 3 }, (_, i) => {
    const [levelQuanta = 0, quantaPerToken = 1, mostTokens = 0] = values.slice(3 * i);
    return { levelQuanta, quantaPerToken, mostTokens };
  });
}
