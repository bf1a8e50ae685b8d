import { Argument, Command } from 'commander';
import { DEFAULT_TOPOLOGY } from '../../regions/topology.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { completionTree } from '../completion/tree.ts';
import { zshScript } from '../completion/zsh.ts';
import type { Environment } from '../environment.ts';
import { scenarioNames } from '../scenario-names.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `wholeProgram` gives the program with all of its commands. */
export function completionCommand(environment: Environment, wholeProgram: () => Promise<Command>): Command {
  return new Command('completion')
    .description('Print a script that completes commands, flags and scenarios in your shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: keyof typeof SCRIPTS) => {
      const program = await wholeProgram();
      const known = { scenario: await scenarioNames(), regions: DEFAULT_TOPOLOGY.regions };
      environment.out(SCRIPTS[shell](program.name(), completionTree(program, known)));
    });
}

const EXAMPLES = `
Examples:
  $ source <(openclaw-rl completion bash)             # now; in ~/.bashrc: always
  $ source <(openclaw-rl completion zsh)              # after compinit
  $ openclaw-rl completion fish | source              # in ~/.config/fish/config.fish: always`;
