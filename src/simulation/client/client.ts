import type { SentCommand } from './sent-command.ts';

/** The events of a client that its port follows. */
export interface ClientEvents {
  onReady(): void;
  /** It is not connected any more, or could not connect; it tries again by itself. */
  onClose(): void;
}

/** Sends the commands of a limiter to the nodes that serve them, as a client of ioredis does. */
export interface Client {
  readonly isReady: boolean;
  send(command: SentCommand): void;
  /** The connection error that explains why a command was not written; of no node: the latest of all. */
  problemOf(node: string): Error | undefined;
  /** Ends all connections, also those that would be opened later. */
  close(): void;
}
