import { Argument, Command } from 'commander';
import { printable } from '../../core/printable.ts';
import { ASKED, type Asked, askedWords } from '../completion/asked-words.ts';
import type { Environment } from '../process/environment.ts';

/** What the scripts of `completion` call at a tab: prints words, one a line; nothing on any error. */
export function completeCommand(environment: Environment): Command {
  return new Command('complete')
    .description('List runs, nodes or regions (called by the scripts of `completion`).')
    .addArgument(new Argument('<asked>', 'what to list').choices(ASKED))
    .argument('[words...]', 'the words typed so far, after --')
    .action(async (asked: Asked, typed: string[]) => {
      const words = await askedWords(asked, typed, environment).catch((): string[] => []);
      const plain = words.filter((word) => word === printable(word));
      environment.out(plain.map((word) => `${word}\n`).join(''));
    });
}
