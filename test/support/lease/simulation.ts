import { fullBucket, take as takeFrom } from '../../../src/core/bucket.ts';
import { type Policy, parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import type { Subject } from '../../../src/limiter/limiter.ts';
import { Borrower } from '../../../src/limiter/strategies/lease/borrower.ts';
import type { HomeClient, HomeReply } from '../../../src/limiter/strategies/lease/home-client.ts';
import { termsByPolicy } from '../../../src/limiter/strategies/lease/terms.ts';
import { planUsers } from '../../../src/load/drawn-users.ts';
import { makeUserDraw } from '../../../src/load/users.ts';
import { ProcessTime, VirtualTime } from '../../../src/simulation/virtual-time.ts';
import { KNOWN_ROUND_TRIPS_MS } from '../../../src/topology/topology.ts';
import { handle } from './home.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];
/** As `LANES` of src/limiter/strategies/lease/open.ts. */
const LANES = 4;
const WARM_UP_S = 3;

interface Load {
  readonly policy: string;
  /** Takes a second in all regions. */
  readonly rate: number;
  readonly seconds: number;
  readonly users: number;
  readonly skew: number;
  readonly roaming: number;
  readonly isAtHome: boolean;
  readonly seed: number;
}

/** One take that is not among the first of its bucket in its region. */
interface Take {
  readonly user: string;
  readonly isRoaming: boolean;
  readonly isFirst: boolean;
  readonly startMs: number;
  endMs: number;
  allowed: boolean | undefined;
}

/** The figures of a load; a wait is one of a take after the bucket's first in its region was decided. */
export interface Figures {
  /** Redis calls for each take, WAIT included, after three seconds. */
  readonly calls: number;
  /** Of users of one region, and of roaming ones: the share of takes that wait, and the 99th percentile. */
  readonly resident: { readonly waiting: number; readonly p99Ms: number };
  readonly roaming: { readonly waiting: number; readonly p99Ms: number };
  /** The share of an exact bucket's admissions for the same takes; all users. */
  readonly admitted: number;
  /** Takes admitted although an exact bucket from which all admissions are taken had too little. */
  readonly excess: number;
  readonly errors: number;
}

/**
 * Borrowers in three regions with the default round trips, in virtual time: the code of src, a home that does what
 * lua/lease.lua does, and connections of which each waits for its replicas after every batch of writes.
 */
export async function simulateLoad(load: Load): Promise<Figures> {
  return new World(new VirtualTime(), load).run();
}

const msOf = (time: VirtualTime) => time.nowUs / 1_000;

/** Calls at this time; what waits for a promise that the call settles goes on then. */
function at(time: VirtualTime, ms: number, call: () => void): void {
  time.at(ms * 1_000, () => {
    time.wake();
    call();
  });
}

class World {
  readonly #time: VirtualTime;
  readonly #load: Load;
  readonly #policy: Policy;
  readonly #homes = new Map<string, Parameters<typeof handle>[0]>();
  readonly #takes: Take[] = [];
  readonly #decided = new Set<string>();
  #calls = 0;

  constructor(time: VirtualTime, load: Load) {
    this.#time = time;
    this.#load = load;
    this.#policy = parsePolicy(load.policy);
  }

  async run(): Promise<Figures> {
    const { rate, seconds, seed, users, skew, roaming, isAtHome } = this.#load;
    const planned = [...planUsers({ seed, regions: REGIONS, users, skew, roaming, rampMs: 2_000 })];
    const random = makeRandom(seed, 'draw');
    const home = makeRandom(seed, 'home');
    const anyRegion = () => REGIONS[Math.floor(home() * REGIONS.length)] ?? '';
    const primaries = new Map(
      planned.map(({ name, regions: [only = '', other] }) => [
        name,
        isAtHome && other === undefined ? only : anyRegion(),
      ]),
    );
    const startMs = msOf(this.#time);
    const borrowers = REGIONS.map((region, i) => this.#borrowerIn(region, i + 1, primaries));
    const draws = REGIONS.map((region) => makeUserDraw(planned, region));
    const startTake = (i: number) => {
      const place = i % REGIONS.length;
      const user = draws[place]?.(random, msOf(this.#time) - startMs);
      if (user !== undefined) this.#take(borrowers[place], place, user.name, user.regions.length > 1);
      if (i < rate * seconds) at(this.#time, startMs + (i * 1_000) / rate, () => startTake(i + 1));
    };
    at(this.#time, startMs, () => startTake(0));
    let warmUpCalls = 0;
    at(this.#time, startMs + WARM_UP_S * 1_000, () => {
      warmUpCalls = this.#calls;
    });
    await this.#time.runUntil((startMs + seconds * 1_000) * 1_000);
    const calls = (this.#calls - warmUpCalls) / (rate * (seconds - WARM_UP_S));
    await this.#time.runUntil(this.#time.nowUs + 5_000_000);
    return { calls, ...this.#figures() };
  }

  #borrowerIn(region: string, holder: number, primaries: ReadonlyMap<string, string>): Borrower {
    const lanes = new Map(
      REGIONS.map((node) => [node, new Lanes(this.#time, region, node, () => this.#calls++)]),
    );
    const keyOf = ({ user, endpoint }: Subject) => `${user}:${endpoint}`;
    const home: HomeClient = {
      keyOf,
      request: (subject, request, terms, onReply) => {
        const [key, node] = [keyOf(subject), primaries.get(subject.user) ?? ''];
        return new Promise<HomeReply>((resolve) => {
          lanes.get(node)?.send(() => {
            const { nowUs } = this.#time;
            const handled = handle(this.#homes.get(key), request, { terms, nowUs });
            this.#homes.set(key, handled.home);
            const answer = { reply: handled.reply, node };
            const isOpen = handled.reply.account === 'open';
            return {
              onReply: () => (isOpen ? onReply?.(answer) : resolve(answer)),
              onAcks: () => resolve(answer),
            };
          });
        });
      },
      look: async () => ({ levelQuanta: 0, atUs: 0, node: '' }),
      ready: async () => {},
      close: async () => {},
    };
    const times = { leaseUs: 4_000_000, marginUs: 500_000 };
    return new Borrower({
      strategy: 'lease',
      home,
      termsOf: termsByPolicy(times),
      holder,
      leaseUs: times.leaseUs,
      time: new ProcessTime(this.#time),
    });
  }

  #take(borrower: Borrower | undefined, place: number, user: string, isRoaming: boolean): void {
    const bucket = `${place} ${user}`;
    const startMs = msOf(this.#time);
    const take: Take = {
      ...{ user, isRoaming, isFirst: !this.#decided.has(bucket), startMs },
      ...{ endMs: Number.NaN, allowed: undefined },
    };
    this.#takes.push(take);
    const end = (allowed: boolean | undefined) => {
      take.endMs = msOf(this.#time);
      take.allowed = allowed;
      this.#decided.add(bucket);
    };
    borrower?.take({ user, endpoint: 'e' }, this.#policy, 1).then(
      ({ allowed }) => end(allowed),
      () => end(undefined),
    );
  }

  #figures(): Omit<Figures, 'calls'> {
    const waitsOf = (isRoaming: boolean) => {
      const waits = this.#takes
        .filter((take) => !take.isFirst && take.isRoaming === isRoaming)
        .map(({ startMs, endMs }) => endMs - startMs)
        .sort((a, b) => a - b);
      const waiting = waits.filter((ms) => ms > 0).length / Math.max(1, waits.length);
      return { waiting, p99Ms: waits[Math.floor(waits.length * 0.99)] ?? 0 };
    };
    const errors = this.#takes.filter(({ allowed }) => allowed === undefined).length;
    return { resident: waitsOf(false), roaming: waitsOf(true), errors, ...this.#admissions() };
  }

  /** Compares with exact buckets, by the time of each decision. */
  #admissions(): Pick<Figures, 'admitted' | 'excess'> {
    const full = () => ({ ideal: fullBucket(this.#policy, 0), charged: fullBucket(this.#policy, 0) });
    const buckets = new Map<string, ReturnType<typeof full>>();
    let [admitted, ideal, excess] = [0, 0, 0];
    for (const { user, endMs, allowed } of [...this.#takes].sort((a, b) => a.endMs - b.endMs)) {
      const bucket = buckets.get(user) ?? full();
      buckets.set(user, bucket);
      const cost = { costTokens: 1, nowUs: Math.round(endMs * 1_000) };
      const wanted = takeFrom(bucket.ideal, this.#policy, cost);
      bucket.ideal = wanted.bucket;
      if (wanted.result.allowed) ideal++;
      if (allowed !== true) continue;
      const charged = takeFrom(bucket.charged, this.#policy, cost);
      bucket.charged = charged.bucket;
      admitted++;
      if (!charged.result.allowed) excess++;
    }
    return { admitted: admitted / ideal, excess };
  }
}

/** Handles a command at its node; the result says what its reply and the acknowledgement of its replicas do. */
type Command = () => { readonly onReply: () => void; readonly onAcks: () => void };

/** The connections of one region to one node: commands that arrive while all wait share the next WAIT. */
class Lanes {
  readonly #time: VirtualTime;
  readonly #onCall: () => void;
  readonly #oneWayMs: number;
  readonly #replicaMs: number;
  #queue: Command[] = [];
  #free = LANES;

  constructor(time: VirtualTime, region: string, node: string, onCall: () => void) {
    this.#time = time;
    this.#onCall = onCall;
    this.#oneWayMs = roundTripMs(region, node) / 2;
    this.#replicaMs = roundTripMs(node, REGIONS[(REGIONS.indexOf(node) + 1) % REGIONS.length] ?? '');
  }

  send(command: Command): void {
    this.#queue.push(command);
    if (this.#queue.length === 1) at(this.#time, msOf(this.#time), () => this.#flush());
  }

  #flush(): void {
    if (this.#free === 0 || this.#queue.length === 0) return;
    const batch = this.#queue;
    this.#queue = [];
    this.#free--;
    at(this.#time, msOf(this.#time) + this.#oneWayMs, () => {
      const handled = batch.map((command) => command());
      for (let call = 0; call <= batch.length; call++) this.#onCall(); // one of them is WAIT
      at(this.#time, msOf(this.#time) + this.#oneWayMs, () => {
        for (const { onReply } of handled) onReply();
      });
      at(this.#time, msOf(this.#time) + this.#replicaMs + this.#oneWayMs, () => {
        for (const { onAcks } of handled) onAcks();
        this.#free++;
        this.#flush();
      });
    });
  }
}

function roundTripMs(one: string, other: string): number {
  return KNOWN_ROUND_TRIPS_MS[`${one}:${other}`] ?? KNOWN_ROUND_TRIPS_MS[`${other}:${one}`] ?? 1;
}
