import { quote, valueCases, variadicOnly } from './bash.ts';
import type { CompletedCommand, Values } from './tree.ts';

/** A script for zsh with compinit; to be sourced, or to be a file `_<program>` in fpath. */
export function zshScript(program: string, commands: readonly CompletedCommand[]): string {
  const name = `_${program}`;
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  const values = valueCases(commands, offer);
  const more = valueCases(variadicOnly(commands), offer);
  const flags = commands.map(
    ({ path, options }) =>
      `      ${quote(path)}) described=(${options.map(({ flag, about }) => described(flag, about)).join(' ')}); _describe -o option described ;;`,
  );
  const rest = commands.map(({ path, commands: inside, values: taken }) => {
    const names = inside.map((each) => described(each.name, each.about)).join(' ');
    const listed = inside.length === 0 ? [] : [`described=(${names}); _describe command described`];
    return `      ${quote(path)}) ${[...listed, offer(taken)].join('; ')} ;;`;
  });
  return `#compdef ${program}
# zsh completion of ${program}: source <(${program} completion zsh)
${name}_ask() {
  compadd -- \${(f)"$("\${words[1]}" complete $1 -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null </dev/null)"}
}
${name}() {
  local where='' flag='' next i
  local -a described
  for ((i = 2; i < CURRENT; i++)); do
    next="\${where:+$where }\${words[i]}"
    case $next in ${paths.join('|')}) where=$next ;; esac
    [[ \${words[i]} == --* ]] && flag=\${words[i]}
  done
  case "$where|\${words[CURRENT - 1]}" in
${values.join('\n')}
  esac
  [[ \${words[CURRENT]} == -* ]] || case "$where|$flag" in
${more.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    case $where in
${flags.join('\n')}
    esac
  else
    case $where in
${rest.join('\n')}
    esac
  fi
}
if [[ $funcstack[1] == ${name} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`.replaceAll('OFFER', name);
}

function offer({ words, files, asked }: Values): string {
  const offers = [
    ...(words.length === 0 ? [] : [`compadd -- ${words.map(quote).join(' ')}`]),
    ...(asked === undefined ? [] : [`OFFER_ask ${asked}`]),
    ...(files ? ['_files'] : []),
  ];
  return offers.length === 0 ? ':' : offers.join('; ');
}

function described(name: string, about: string): string {
  return quote(`${name.replaceAll(':', '\\:')}:${about}`);
}
