import { InvalidArgumentError } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { parsedBy, refusePassword } from './options.ts';

/** Collects `region=redis://host:port`, repeated. */
export function collectOther(text: string, sofar: Readonly<Record<string, string>>): Record<string, string> {
  const [, region, url = ''] = /^([A-Za-z0-9-]+)=(.+)$/.exec(text) ?? [];
  if (region === undefined) throw new InvalidArgumentError('Expected region=redis://host:port.');
  refusePassword(url);
  return { ...sofar, [region]: url };
}

/** Collects `http://host:port`, repeated. */
export function collectUpstream(url: string, sofar: string[] = []): string[] {
  return [...sofar, parsedBy(parseUpstream)(url)];
}

function parseUpstream(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.pathname === '/' && url.search === '') return url.origin;
  throw invalidOption('expected http://host:port');
}
