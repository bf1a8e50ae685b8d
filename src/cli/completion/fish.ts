import type { CompletedCommand, Values } from './tree.ts';

/** A script for fish 3.4 or newer. */
export function fishScript(program: string, commands: readonly CompletedCommand[]): string {
  const name = `__${program.replaceAll('-', '_')}`;
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  const lines = commands.flatMap(({ path, commands: inside, options, values }) => {
    const at = `complete -c ${program} -n ${quote(`${name}_at ${quote(path)}`)}`;
    const after = (flag: string) =>
      `complete -c ${program} -n ${quote(`${name}_at ${quote(path)}; and ${name}_after ${flag}`)}`;
    return [
      ...inside.map((each) => `${at} -f -a ${quote(each.name)} -d ${quote(each.about)}`),
      ...(offer(values) === '' ? [] : [`${at}${offer(values)}`]),
      ...options.map(
        ({ flag, about, values: taken }) =>
          `${at} -l ${flag.slice(2)}${taken === undefined ? '' : `${taken.files ? ' -r' : ' -x'}${offer(taken)}`} -d ${quote(about)}`,
      ),
      ...options.flatMap(({ flag, values: taken, isVariadic }) =>
        taken === undefined || !isVariadic ? [] : [`${after(flag)}${offer(taken)}`],
      ),
    ].map((line) => line.replaceAll('OFFER', name));
  });
  return `# fish completion of ${program}: ${program} completion fish | source
set -g ${name}_paths ${paths.join(' ')}
function ${name}_at -a wanted
    set -l path
    for word in (commandline -opc)[2..]
        if contains -- (string join -- ' ' $path $word) $${name}_paths
            set path (string join -- ' ' $path $word)
        end
    end
    test "$path" = "$wanted"
end
function ${name}_after -a wanted
    set -l flags (string match -- '--*' (commandline -opc))
    test "$flags[-1]" = "$wanted"
end
function ${name}_ask -a asked
    set -l typed (commandline -opc)
    $typed[1] complete $asked -- $typed[2..] 2>/dev/null </dev/null
end
complete -c ${program} -f
${lines.join('\n')}
`;
}

function offer({ words, files, asked }: Values): string {
  const offers = [...words, ...(asked === undefined ? [] : [`(OFFER_ask ${asked})`])];
  return `${files ? ' -F' : ''}${offers.length === 0 ? '' : ` -a ${quote(offers.join(' '))}`}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
