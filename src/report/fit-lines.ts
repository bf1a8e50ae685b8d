import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** The form of a text: colours, `columns` (default: as many as the text needs), name of the program (default: openclaw-rl). */
export interface Look {
  readonly colour: boolean;
  readonly columns?: number | undefined;
  readonly program?: string;
}

/** A label, followed by a text that wraps to the right of the label. */
export function labelled(label: string, text: string, columns = Number.POSITIVE_INFINITY): string {
  const indent = stringWidth(label);
  const body =
    stringWidth(text) + indent <= columns
      ? text
      : wrapAnsi(text, Math.max(1, columns - indent), { hard: true });
  return label + body.replaceAll('\n', `\n${' '.repeat(indent)}`);
}

/** Wraps lines that are too long; the rest is indented by two more spaces. */
export function fitted(text: string, columns = Number.POSITIVE_INFINITY): string {
  if (columns === Number.POSITIVE_INFINITY) return text;
  const wrap = (line: string) => {
    const [, spaces = '', rest = ''] = /^( *)(.*)$/s.exec(line) ?? [];
    const [first = '', ...more] = labelled(`${spaces}  `, rest, columns).split('\n');
    return [spaces + first.slice(spaces.length + 2), ...more].join('\n');
  };
  return text
    .split('\n')
    .map((line) => (stringWidth(line) <= columns ? line : wrap(line)))
    .join('\n');
}

/** A label, followed by a shell command in lines that end in a backslash, so that it can be copied. */
export function labelledCommand(label: string, command: string, columns = Number.POSITIVE_INFINITY): string {
  const indent = ' '.repeat(stringWidth(label));
  const lines: string[] = [];
  let line = '';
  for (const part of optionsOf(command)) {
    const isFull = line !== '' && indent.length + line.length + 1 + part.length + 2 > columns;
    if (isFull) lines.push(`${line} \\`);
    line = isFull || line === '' ? part : `${line} ${part}`;
  }
  return label + [...lines, line].join(`\n${indent}`);
}

/** The parts of a command between which a line may end: its name, and each option with its values. */
function optionsOf(command: string): string[] {
  const words = command.match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  return words.reduce<string[]>((parts, word) => {
    if (parts.length === 0 || word.startsWith('--')) parts.push(word);
    else parts.push(`${parts.pop()} ${word}`);
    return parts;
  }, []);
}
