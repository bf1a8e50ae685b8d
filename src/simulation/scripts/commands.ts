import type { Command } from './command.ts';
import { hashCommands } from './hash-commands.ts';
import { streamCommands } from './stream-commands.ts';
import { stringCommands } from './string-commands.ts';

const serverCommands: Readonly<Record<string, Command>> = {
  TIME: {
    arity: 1,
    run(_, { clockUs }) {
      const seconds = Math.floor(clockUs / 1e6);
      return [String(seconds), String(clockUs - seconds * 1e6)];
    },
  },
  INFO: {
    arity: -1,
    run: (_, { isReplica, replicationId }) =>
      `# Replication\r\nrole:${isReplica ? 'slave' : 'master'}\r\nmaster_replid:${replicationId}\r\n`,
  },
};

/** The commands that scripts can call, by name in capital letters: those of the scripts of `lua/` and a few more. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ ...stringCommands, ...hashCommands, ...streamCommands, ...serverCommands }),
);
