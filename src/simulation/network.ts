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
  /** Arrives at the other end after all that was sent before, unless the connection closes first. */
  send(message: Message, bytes: number): void;
  close(): void;
}

/** What accepts the connections to a port. Undefined refuses. */
export type Accept<Sent, Heard> = (end: End<Sent>, from: Place) => Hears<Heard> | undefined;

/** The network between clients and nodes, and what faults do to it. */
export interface Network {
  readonly time: VirtualTime;
  /** From now on connections to this port are accepted; `close` refuses them again and resets those that are open. */
  listen<Sent, Heard>(port: Port, accept: Accept<Sent, Heard>): { close(): void };
  /**
   * Starts to connect. `opened` gets this end after a round trip; `closed` of `hears` is called instead if it is refused.
   * Neither is called while the network holds what is sent. The result gives up: it closes the connection in any state.
   */
  connect<Sent, Heard>(
    from: Place,
    to: Port,
    hears: Hears<Heard> & { opened(end: End<Sent>): void },
  ): { close(): void };
  /** Resets every connection that begins at this node: its process ended. */
  resetFrom(node: string): void;
}
