import type { CompletedCommand, Values } from './tree.ts';

/** A script for fish 3.4 or newer. */
export function fishScript(program: string, commands: readonly CompletedCommand[]): string {
  const name = `__${program.replaceAll('-', '_')}`;
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  const lines = commands.flatMap(({ path, commands: inside, options, values }) => {
    const at = `complete -c ${program} -n ${quote(`${name}_at ${quote(path)}`)}`;
    return [
      ...inside.map((each) => `${at} -f -a ${quote(each.name)} -d ${quote(each.about)}`),
      ...(values.words.length + (values.files ? 1 : 0) === 0 ? [] : [`${at}${offer(values)}`]),
      ...options.map(
        ({ flag, about, values: taken }) =>
          `${at} -l ${flag.slice(2)}${taken === undefined ? '' : `${taken.files ? ' -r' : ' -x'}${offer(taken)}`} -d ${quote(about)}`,
      ),
    ];
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
complete -c ${program} -f
${lines.join('\n')}
`;
}

function offer({ words, files }: Values): string {
  return `${files ? ' -F' : ''}${words.length === 0 ? '' : ` -a ${quote(words.join(' '))}`}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
