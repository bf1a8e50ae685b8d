import type { VirtualTime } from './virtual-time.ts';

/** Where a connection begins: at a node, or without one at a client of the region. */
export interface Place {
  readonly region: string;
  readonly node?: string;
}

/** Where a connection leads: to the port for clients of a node or Sentinel, or to its cluster bus. */
export interface Port {
  readonly node: string;
  readonly port: 'data' | 'bus';
}

/** What one end of a connection hears. */
export interface Hears<Message> {
  message(message: Message): void;
  /** The connection is over; neither end hears of it by its own `close`. */
  closed(): void;
}

/** One end of an open connection. */
export interface End<Message> {
  /** Arrives at the other end after all that was sent before, unless a fault or that end closes the connection first. */
  send(message: Message, bytes: number): void;
  /** Arrives like a message. This end hears nothing more. */
  close(): void;
}

/** What accepts the connections to a port. Undefined refuses. */
export type Accept<Sent, Heard> = (end: End<Sent>, from: Place) => Hears<Heard> | undefined;

/** The network between clients and nodes, and what faults do to it. */
export interface Network {
  readonly time: VirtualTime;
  /**
   * From now on connections to this port are accepted. `close` refuses them again, and closes those that are open; what
   * accepted them hears nothing of that.
   */
  listen<Sent, Heard>(port: Port, accept: Accept<Sent, Heard>): { close(): void };
  /**
   * Starts to connect. `opened` gets this end within a millisecond, since a Toxiproxy delays data and not connections: also
   * while a blackhole drops all that is sent then. `closed` of `hears` is called instead if it is refused. The result gives
   * up: it closes the connection in any state.
   */
  connect<Sent, Heard>(
    from: Place,
    to: Port,
    hears: Hears<Heard> & { opened(end: End<Sent>): void },
  ): { close(): void };
  /** Closes every connection that begins at this node, which hears nothing of that: its process ended. */
  resetFrom(node: string): void;
}
