import { Command, Option } from 'commander';
import type { FaultForm, FaultOption } from '../../scenario/faults/definition.ts';
import { definitionOf, FAULT_NAMES, type FaultSpec } from '../../scenario/faults/index.ts';
import { decimalNumber, durationIn, parsedBy, parseShiftMs } from './options.ts';

export interface FaultCommandsOptions<Flags> {
  /** Called with the typed fault; `flags` are those that `configure` added to `command`. */
  readonly action: (spec: FaultSpec, flags: Flags, command: Command) => Promise<void>;
  /** Adds the flags that all of these commands share. Commander throws if a fault has a flag of that name. */
  readonly configure?: (command: Command, fault: FaultSpec['fault']) => Command;
  readonly without?: readonly FaultSpec['fault'][];
}

/** Adds a command for every fault; its flags become the fault's specification. */
export function addFaultCommands<Flags>(parent: Command, options: FaultCommandsOptions<Flags>): Command {
  const { action, configure = (command) => command, without = [] } = options;
  for (const fault of FAULT_NAMES) {
    if (without.includes(fault)) continue;
    const { form } = definitionOf(fault);
    const command = configure(new Command(fault), fault);
    const own = form.options.map((option) => ({ key: option.key, option: makeOption(option) }));
    for (const { option } of own) command.addOption(option);
    command.description(form.about).action((flags: Flags & { readonly [name: string]: unknown }) => {
      const typed = own.map(({ key, option }) => [key, flags[option.attributeName()]] as const);
      const given = Object.fromEntries(typed.filter(([, value]) => value !== undefined));
      form.check?.(given);
      return action({ fault, ...given } as unknown as FaultSpec, flags, command);
    });
    const help = () => examples(form, command).replace(/^( +)(\$ .*?) +# (.*)$/gm, '$1# $3\n$1$2');
    parent.addCommand(command.addHelpText('after', help));
  }
  return parent;
}

/** As it would be typed: `openclaw-rl fault partition ...`. */
function examples({ examples: lines }: FaultForm<FaultSpec>, command: Command): string {
  const path = [command.parent?.name(), command.name()].join(' ');
  const start = `$ openclaw-rl ${path} `;
  return `\nExamples:\n${lines.map((line) => `  ${line.startsWith('#') ? '' : start}${line}`).join('\n')}`;
}

function makeOption({ flags, about, value, byDefault, isRequired }: FaultOption<FaultSpec>): Option {
  const option = new Option(flags, about).makeOptionMandatory(isRequired === true);
  if (value === undefined) return option;
  if (value === 'groups') return option.argParser(collectGroup);
  if (Array.isArray(value)) return option.choices(value).default(byDefault);
  const parse = parserOf(value as Exclude<typeof value, readonly string[]>);
  if (byDefault !== undefined) option.default(parse(byDefault), byDefault);
  return option.argParser(parse);
}

function parserOf(value: Exclude<FaultOption<FaultSpec>['value'], undefined | 'groups' | readonly string[]>) {
  if (value === 'shift') return parseShiftMs;
  if ('parse' in value) return parsedBy(value.parse);
  return 'from' in value ? decimalNumber(value.from, value.to) : durationIn(value);
}

function collectGroup(text: string, sofar: readonly string[][] = []): readonly string[][] {
  return [...sofar, text.split(',')];
}
