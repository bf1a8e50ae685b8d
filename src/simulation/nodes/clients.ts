import { Fifo } from '../fifo.ts';
import type { End, Hears } from '../network.ts';
import type { Answer, Command, ScriptCommand } from './messages.ts';
import type { ServerProcess } from './process.ts';
import type { FromReplica, ToReplica } from './replication/messages.ts';
import type { Replica } from './replication/replicas.ts';

/** What connections need of their server. */
export interface ServerForClients {
  readonly primary: string | undefined;
  readonly offset: number;
  run(command: ScriptCommand): Answer;
  wait(
    wait: { readonly replicas: number; readonly timeoutMs: number; readonly offset: number },
    done: (answer: Answer) => void,
  ): void;
  slots(): Answer;
  attach(
    node: string,
    end: End<ToReplica>,
    from: { id: string; offset: number } | undefined,
  ): Replica | 'must copy' | undefined;
  acknowledge(replica: Replica, offset: number): void;
  detach(replica: Replica): void;
}

/** The connections to the data port of a server. Each has its commands answered in their order. */
export class Clients {
  readonly #server: ServerForClients;
  readonly #connections = new Set<Connection>();
  #holdsWrites = false;

  constructor(server: ServerForClients) {
    this.#server = server;
  }

  get holdsWrites(): boolean {
    return this.#holdsWrites;
  }

  set holdsWrites(isHeld: boolean) {
    this.#holdsWrites = isHeld;
    if (!isHeld) for (const connection of this.#connections) connection.goOn();
  }

  accept(end: End<Answer | ToReplica>, process: ServerProcess): Hears<Command | FromReplica> {
    const connection = new Connection(this.#server, end, () => this.#holdsWrites);
    this.#connections.add(connection);
    const socket = process.socket();
    return {
      message: (message) => {
        if (socket.isRead) connection.hear(message);
        else socket.run(() => connection.hear(message));
      },
      closed: () =>
        socket.run(() => {
          this.#connections.delete(connection);
          connection.closed();
        }),
    };
  }

  /** Closes the connections of all clients, but not of replicas: CLIENT KILL TYPE normal. */
  disconnect(): void {
    for (const connection of this.#connections)
      if (connection.disconnect()) this.#connections.delete(connection);
  }

  /** The server has become a replica: clients that wait for replicas are answered, then disconnected. */
  unblock(): void {
    for (const connection of this.#connections)
      if (connection.unblock()) this.#connections.delete(connection);
  }
}

const UNBLOCKED = {
  error: 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
};

/** One connection: of a client, or after PSYNC of a replica. */
class Connection {
  readonly #server: ServerForClients;
  readonly #end: End<Answer | ToReplica>;
  readonly #holdsWrites: () => boolean;
  readonly #queue = new Fifo<Command>();
  /** The stream's offset after the last write of this connection: what WAIT waits for. */
  #written = 0;
  /** Set while WAIT blocks; a new object for each. */
  #blocked: object | undefined;
  #isClosed = false;
  #node = '';
  #replica: Replica | undefined;

  constructor(server: ServerForClients, end: End<Answer | ToReplica>, holdsWrites: () => boolean) {
    this.#server = server;
    this.#end = end;
    this.#holdsWrites = holdsWrites;
  }

  hear(message: Command | FromReplica): void {
    if (this.#isClosed) return;
    if (message.name === 'script' && this.#isFreeFor(message)) this.#execute(message);
    else if (message.name === 'ack') {
      if (this.#replica !== undefined) this.#server.acknowledge(this.#replica, message.offset);
    } else if (message.name === 'replconf') {
      this.#node = message.node;
      this.#answer({ values: [] });
    } else if (message.name === 'psync') {
      this.#synchronize(message);
    } else if (message.name === 'copy') {
      this.#synchronize(undefined);
    } else {
      this.#queue.push(message);
      this.goOn();
    }
  }

  /** From where the replica has the stream; undefined: it asks for a copy. */
  #synchronize(from: { readonly id: string; readonly offset: number } | undefined): void {
    const attached = this.#server.attach(this.#node, this.#end, from);
    if (attached === 'must copy') this.#end.send({ mustCopy: true }, 60);
    else if (attached === undefined)
      this.#answer({ error: "NOMASTERLINK Can't SYNC while not connected with my master" });
    else this.#replica = attached;
  }

  /** Answers what waits, as far as it can. */
  goOn(): void {
    while (!this.#isClosed) {
      const next = this.#queue.first;
      if (next === undefined || !this.#mayExecute(next)) return;
      this.#queue.shift();
      this.#execute(next);
    }
  }

  /** Whether a command need not wait. */
  #isFreeFor(command: Command): boolean {
    return this.#queue.isEmpty && this.#mayExecute(command);
  }

  #mayExecute(command: Command): boolean {
    return this.#blocked === undefined && !(this.#holdsWrites() && mayWrite(command));
  }

  /** Answers a WAIT that blocks, and closes. Whether it did. */
  unblock(): boolean {
    if (this.#blocked === undefined) return false;
    this.#answer(UNBLOCKED);
    this.closed();
    this.#end.close();
    return true;
  }

  /** Closes the connection of a client. Whether it is one. */
  disconnect(): boolean {
    if (this.#replica !== undefined) return false;
    this.closed();
    this.#end.close();
    return true;
  }

  closed(): void {
    this.#isClosed = true;
    this.#blocked = undefined;
    if (this.#replica !== undefined) this.#server.detach(this.#replica);
  }

  #execute(command: Command): void {
    const server = this.#server;
    if (command.name === 'script') {
      const before = server.offset;
      const answer = server.run(command);
      if (server.offset !== before) this.#written = server.offset;
      this.#answer(answer);
    } else if (command.name === 'wait') this.#wait(command);
    else if (command.name === 'ping') this.#answer({ values: [] });
    else if (command.name === 'slots') this.#answer(server.slots());
    else if (command.name === 'role')
      this.#answer({ role: server.primary === undefined ? 'primary' : 'replica' });
    else this.#answer({ error: "ERR unknown command 'SENTINEL'" });
  }

  #wait({ replicas, timeoutMs }: Extract<Command, { name: 'wait' }>): void {
    const block = {};
    this.#blocked = block;
    this.#server.wait({ replicas, timeoutMs, offset: this.#written }, (answer) => {
      if (this.#blocked !== block) return; // answered otherwise, or gone
      this.#blocked = undefined;
      this.#answer(answer);
      this.goOn();
    });
  }

  #answer(answer: Answer): void {
    this.#end.send(answer, 'slots' in answer ? 300 : 60);
  }
}

const NO_WRITES = /^#!lua flags=\S*\bno-writes\b/;

/** Whether a command is a script that does not declare itself to only read. */
export function mayWrite(command: Command): boolean {
  return command.name === 'script' && command.onReplica !== true && !NO_WRITES.test(command.script.source);
}
