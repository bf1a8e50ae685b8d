import { join } from 'node:path';

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** One command of a block of shell commands. */
export interface Command {
  readonly text: string;
  readonly inBackground: boolean;
  /** What its comment says, `exit code 1`, else 0. */
  readonly exitCode: number;
}

export const ROOT = join(import.meta.dirname, '../..');

export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The commands of a block, a line each; a line may go on after a backslash. */
export function commandsOf({ text }: Block): readonly Command[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, command = '', comment = ''] = /^(.*?)(?:\s+# (.*))?$/.exec(line) ?? [];
      const [, exitCode = '0'] = /exit code (\d+)/.exec(comment) ?? [];
      return {
        text: command.replace(/\s*&$/, ''),
        inBackground: /[^&]&$/.test(command),
        exitCode: Number(exitCode),
      };
    });
}

/** As a page says it, but without npm, which takes longer to start than the program. */
export const inClone = (command: string) => command.replaceAll(/\bnpx openclaw-rl\b/g, 'bin/openclaw-rl');

/** A script for a clone that runs them one after another and ends at the first whose exit code is another than it says. */
export function scriptOf(commands: readonly Command[]): string {
  const lines = commands.map(({ text, inBackground, exitCode }) =>
    inBackground
      ? `${inClone(text)} &`
      : `${inClone(text)}\ncode=$?; [ $code = ${exitCode} ] || { echo "exit code $code, and not ${exitCode}" >&2; exit 1; }`,
  );
  return ["trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT", ...lines].join('\n');
}
