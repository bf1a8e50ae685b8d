import type { CompletedCommand, Values } from './tree.ts';

/** A script for bash 4 or newer. */
export function bashScript(program: string, commands: readonly CompletedCommand[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  const values = valueCases(commands, offer);
  const more = valueCases(variadicOnly(commands), offer);
  const flags = commands.map(
    ({ path, options }) => `      ${quote(path)}) ${words(options.map(({ flag }) => flag))} ;;`,
  );
  const rest = commands.map(({ path, commands: inside, values: taken }) => {
    const all = { ...taken, words: [...inside.map((each) => each.name), ...taken.words] };
    return `      ${quote(path)}) ${offer(all)} ;;`;
  });
  return `# bash completion of ${program}: source <(${program} completion bash)
${name}_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
${name}_files() {
  local files
  compopt -o filenames 2>/dev/null
  mapfile -t files < <(compgen -f -- "$cur")
  COMPREPLY+=("\${files[@]}")
}
${name}_ask() {
  local word
  while IFS= read -r word; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" complete "$1" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null </dev/null)
}
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' flag='' next i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case $next in ${paths.join('|')}) path=$next ;; esac
    [[ \${COMP_WORDS[i]} == --* ]] && flag=\${COMP_WORDS[i]}
  done
  case "$path|$prev" in
${values.join('\n')}
  esac
  [[ $cur == -* ]] || case "$path|$flag" in
${more.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $path in
${flags.join('\n')}
    esac
  else
    case $path in
${rest.join('\n')}
    esac
  fi
}
complete -F ${name} ${program}
`.replaceAll('OFFER', name);
}

function offer({ words: all, files, asked }: Values): string {
  const offers = [
    ...(all.length === 0 ? [] : [words(all)]),
    ...(asked === undefined ? [] : [`OFFER_ask ${asked}`]),
    ...(files ? ['OFFER_files'] : []),
  ];
  return offers.length === 0 ? ':' : offers.join('; ');
}

function words(all: readonly string[]): string {
  return all.length === 0 ? ':' : `OFFER_words ${quote(all.join(' '))}`;
}

/** A branch of a `case` over path and flag for each option with a value; bash and zsh share it. */
export function valueCases(
  commands: readonly CompletedCommand[],
  offered: (values: Values) => string,
): string[] {
  return commands.flatMap(({ path, options }) =>
    options.flatMap(({ flag, values }) =>
      values === undefined ? [] : [`    ${quote(`${path}|${flag}`)}) ${offered(values)}; return ;;`],
    ),
  );
}

/** The commands with those of their options that take several words. */
export function variadicOnly(commands: readonly CompletedCommand[]): CompletedCommand[] {
  return commands.map((command) => ({
    ...command,
    options: command.options.filter(({ isVariadic }) => isVariadic),
  }));
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
