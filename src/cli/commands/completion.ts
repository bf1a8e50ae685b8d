import { Argument, Command } from 'commander';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { completionTree } from '../completion/tree.ts';
import { zshScript } from '../completion/zsh.ts';
import { scenarioNames } from '../files/scenario-names.ts';
import type { Environment } from '../process/environment.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `wholeProgram` returns the program with all of its commands. */
export function completionCommand(environment: Environment, wholeProgram: () => Promise<Command>): Command {
  return new Command('completion')
    .description(
      'Print a script that completes commands, flags, scenarios, runs, nodes and regions in your shell.',
    )
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: keyof typeof SCRIPTS) => {
      const program = await wholeProgram();
      const known = { scenario: await scenarioNames() };
      environment.out(SCRIPTS[shell](program.name(), completionTree(program, known)));
    });
}

const EXAMPLES = `
Examples:
  # for this shell; in ~/.bashrc for every shell
  $ source <(openclaw-rl completion bash)
  # in ~/.zshrc after compinit
  $ source <(openclaw-rl completion zsh)
  # in ~/.config/fish/config.fish for every shell
  $ openclaw-rl completion fish | source`;
