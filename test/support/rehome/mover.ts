import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/core/prng.ts';
import type { Moved, RehomeOptions, Subject } from '../../../src/limiter/limiter.ts';
import { type Call, patiently } from '../reservations/recorder.ts';
import type { Process } from './rig.ts';

export interface MoverOptions {
  readonly random: Random;
  readonly subject: Subject;
  readonly processes: readonly Process[];
  readonly seen: MovesSeen;
  /** What clients saw that cannot be, as sentences. */
  readonly problems: string[];
}

export interface MovesSeen {
  moves: number;
  repeats: number;
  refused: number;
  failed: number;
}

const PLACES = ['east', 'west', undefined] as const;
const MOST_TRIES = 100;

/** Moves the bucket of one subject, as callers may that know where it is. */
export class Mover {
  readonly #options: MoverOptions;
  /** Where the bucket is. */
  home: string | undefined = 'east';
  /** Where the bucket was, or a move has certainly closed it. Where the request to close was lost a take may find a full one. */
  readonly used = new Set<string | undefined>(['east']);
  #last = 0;
  readonly #made: RehomeOptions[] = [];
  readonly #levels = new Map<number, number>();

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** One move, or two of which one wins; and perhaps an earlier one again. False if none ends, whatever is repeated. */
  async move(): Promise<boolean> {
    const { random } = this.#options;
    const moves = [this.#next()];
    if (random() < 0.15) moves.push(this.#next());
    const late = random() < 0.3 ? this.#made[Math.floor(random() * this.#made.length)] : undefined;
    const [won] = await Promise.all([this.#settle(moves), late && this.#try(late)]);
    if (won === undefined) return false;
    this.home = won.to;
    for (const { regions } of this.#options.processes)
      if (random() < 0.7) regions.set(this.#options.subject.user, this.home); // the others are late
    return true;
  }

  #next(): RehomeOptions {
    const { home } = this;
    const others = PLACES.filter((place) => place !== home);
    const to = others[Math.floor(this.#options.random() * others.length)];
    this.#last += 1 + Math.floor(this.#options.random() * 2);
    const move = { ...(home && { from: home }), ...(to && { to }), move: this.#last };
    this.#made.push(move);
    return move;
  }

  /** Repeats the moves, by any process and some by several at once, until one has ended. */
  async #settle(moves: readonly RehomeOptions[]): Promise<RehomeOptions | undefined> {
    const { random, subject, problems } = this.#options;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const asked = random() < 0.2 ? [...moves, ...moves] : moves;
      const calls = await Promise.all(asked.map((move) => this.#try(move)));
      const at = calls.findIndex(({ result }) => result !== undefined);
      if (at >= 0) return asked[at] as RehomeOptions;
      for (const call of calls) await this.#repeatFirst(call);
      await sleep(random() * 30);
    }
    problems.push(`no move of ${subject.user} ends: ${JSON.stringify(moves)}`);
    return undefined;
  }

  /** A move that lost, or whose late step came after its end, keeps its target closed until it is repeated. */
  async #repeatFirst({ message = '' }: Call<Moved>): Promise<void> {
    const [, number] = /move (\d+) to .* has not ended/.exec(message) ?? [];
    const other = this.#made.find(({ move }) => move === Number(number));
    if (other !== undefined) await this.#try(other);
  }

  async #try(options: RehomeOptions): Promise<Call<Moved>> {
    const { random, subject, processes, seen, problems } = this.#options;
    const { limiter } = processes[Math.floor(random() * processes.length)] as Process;
    const call = await patiently(() => limiter.rehome(subject, options));
    if (call.result !== undefined || refusesToLeave(call, options)) this.used.add(options.to);
    if (call.code === 'MOVE_REFUSED') seen.refused++;
    else if (call.result === undefined) seen.failed++;
    if (call.result === undefined) return call;
    const { isRepeated, levelQuanta } = call.result;
    if (isRepeated) seen.repeats++;
    const before = this.#levels.get(options.move);
    if (before === undefined) seen.moves++;
    else if (before !== levelQuanta)
      problems.push(`move ${options.move} of ${subject.user} answered ${before} and ${levelQuanta}`);
    this.#levels.set(options.move, levelQuanta);
    return call;
  }
}

/** The old home refused, so the new one was closed before. A refusal by the new one may rest on what a failover loses. */
function refusesToLeave({ code, message = '' }: Call<Moved>, { from }: RehomeOptions): boolean {
  return code === 'MOVE_REFUSED' && message.includes(from ?? 'the key without a home');
}
