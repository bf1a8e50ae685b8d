import { InvalidArgumentError, Option } from 'commander';

/** The value of `htmlOption`; `true` without a file. */
export interface HtmlFlag {
  readonly html?: string | true;
}

/**
 * An option whose file must end in .html or be in /dev, so that it never takes the name of a run. `instead` is the
 * command to show for a run of that name.
 */
export function htmlOption(description: string, instead: (name: string) => string): Option {
  return new Option('--html [file]', description).argParser((text) => {
    if (/\.html?$/i.test(text) || text.startsWith('/dev/')) return text;
    throw new InvalidArgumentError(
      `Expected a file that ends in .html; for the run ${text}: openclaw-rl ${instead(text)}`,
    );
  });
}
