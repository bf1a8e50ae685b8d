import type { Argument, Command, Option } from 'commander';
import type { Asked } from './asked-words.ts';

/** The completions at a place of a command line. */
export interface Values {
  /** Suggestions; other words are valid too. */
  readonly words: readonly string[];
  readonly files: boolean;
  /** Further words, for which the script asks the program at each tab. */
  readonly asked?: Asked;
}

export interface CompletedOption {
  /** `--name`; options without a long name are not completed. */
  readonly flag: string;
  readonly about: string;
  /** Absent for a switch. */
  readonly values?: Values;
  /** It takes several words. */
  readonly isVariadic: boolean;
}

/** One command, by its path: `chaos partition`; empty for the program itself. */
export interface CompletedCommand {
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly CompletedOption[];
  readonly values: Values;
}

/** Words by placeholder name, like `scenario` of `<scenario>`. */
export type KnownWords = Readonly<Record<string, readonly string[]>>;

/** All commands of a program, the program first, without hidden ones. */
export function completionTree(program: Command, known: KnownWords): CompletedCommand[] {
  return listCommands(program, '', known);
}

function listCommands(command: Command, path: string, known: KnownWords): CompletedCommand[] {
  const help = command.createHelp();
  const inside = help.visibleCommands(command).filter(({ parent }) => parent !== null);
  const names = help
    .visibleCommands(command)
    .map((each) => ({ name: each.name(), about: each.description() }));
  return [
    {
      path,
      commands: names,
      options: help.visibleOptions(command).flatMap((option) => optionOf(option, known)),
      values: merge(command.registeredArguments.map((argument) => valuesOf(argument, known))),
    },
    ...inside.flatMap((each) => listCommands(each, `${path} ${each.name()}`.trim(), known)),
  ];
}

function optionOf(option: Option, known: KnownWords): CompletedOption[] {
  const { long, description, required, optional, variadic: isVariadic } = option;
  if (!long) return [];
  const about = description.split('\n')[0] ?? '';
  if (!required && !optional) return [{ flag: long, about, isVariadic }];
  const placeholder = /[<[]([^>\]]*)[>\]]/.exec(option.flags)?.[1] ?? '';
  return [{ flag: long, about, values: valuesNamed(placeholder, option.argChoices, known), isVariadic }];
}

function valuesOf(argument: Argument, known: KnownWords): Values {
  return valuesNamed(argument.name(), argument.argChoices, known);
}

/** Placeholders that stand for what changes. */
const ASKED_FOR: Readonly<Record<string, Asked>> = {
  run: 'runs',
  node: 'nodes',
  region: 'regions',
  regions: 'regions',
};

/** Placeholders that stand for files. */
const FILES = new Set(['file', 'folder', 'run', 'history', 'scenario']);

function valuesNamed(placeholder: string, choices: readonly string[] | undefined, known: KnownWords): Values {
  const name = placeholder.replace('...', '');
  const asked = Object.hasOwn(ASKED_FOR, name) ? ASKED_FOR[name] : undefined;
  return { words: choices ?? known[name] ?? [], files: FILES.has(name), ...(asked && { asked }) };
}

function merge(values: readonly Values[]): Values {
  const asked = values.find((each) => each.asked !== undefined)?.asked;
  return {
    ...(asked && { asked }),
    words: [...new Set(values.flatMap(({ words }) => words))],
    files: values.some(({ files }) => files),
  };
}
