import { makeRandom } from '../../src/core/prng.ts';
import { ToxicPipe } from '../../src/toxiproxy/server/toxic-pipe.ts';
import { TOXIC_TYPES } from '../../src/toxiproxy/server/toxics/registry.ts';
import type { Toxic } from '../../src/toxiproxy/toxic.ts';
import { FakeSocket } from './fake-socket.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface RigToxic {
  readonly type: string;
  readonly name?: string;
  readonly toxicity?: number;
  readonly attributes?: Readonly<Record<string, number>>;
}

/** A toxic as the API would have made it. */
function makeToxic({ type, name = type, toxicity = 1, attributes = {} }: RigToxic): Toxic {
  const kind = TOXIC_TYPES.get(type);
  if (kind === undefined) throw new Error(`no toxic ${type}`);
  const zeros = Object.fromEntries(Object.keys(kind.attributes).map((key) => [key, 0]));
  return {
    type: kind,
    name,
    toxicity,
    stream: 'downstream',
    direction: 'downstream',
    attributes: { ...zeros, ...attributes },
  };
}

/** One pipe between two sockets without a network, on virtual time. */
export class PipeRig {
  readonly clock = new VirtualClock();
  readonly source = new FakeSocket(() => this.clock.nowMs());
  readonly destination = new FakeSocket(() => this.clock.nowMs());
  readonly pipe: ToxicPipe;

  constructor(toxics: readonly RigToxic[], options: { readonly seed?: number } = {}) {
    const made = toxics.map(makeToxic);
    this.pipe = new ToxicPipe({
      source: this.source.asSocket,
      destination: this.destination.asSocket,
      toxics: made,
      clock: this.clock,
      randomOf: (toxic) => makeRandom(options.seed ?? 1, toxic.name),
      resets: made.some(({ type }) => type.resets),
    });
  }

  /** What came out, and when. */
  get log() {
    return this.destination.log;
  }

  get text(): string {
    return this.log.map(([, what]) => what).join('');
  }

  at(nowMs: number, act: (rig: this) => void): this {
    this.clock.goTo(nowMs);
    act(this);
    return this;
  }

  send(atMs: number, text: string): this {
    return this.at(atMs, ({ source }) => source.receive(text));
  }

  end(atMs: number): this {
    return this.at(atMs, ({ source }) => source.receiveEnd());
  }

  add(atMs: number, toxic: RigToxic): this {
    return this.at(atMs, ({ pipe }) => pipe.add(makeToxic(toxic)));
  }

  update(atMs: number, toxic: RigToxic): this {
    return this.at(atMs, ({ pipe }) => pipe.update(makeToxic(toxic)));
  }

  remove(atMs: number, name: string): this {
    return this.at(atMs, ({ pipe }) => pipe.remove(name));
  }

  goTo(nowMs: number): this {
    this.clock.goTo(nowMs);
    return this;
  }
}
