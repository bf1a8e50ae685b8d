import { stringify } from 'yaml';
import type { Manifest } from './manifests.ts';

/** Documents of one file. kubectl reads YAML 1.1, in which a plain `no` is a boolean. */
export function yamlOf(items: readonly Manifest[]): string {
  return items.map((item) => `---\n${stringify(item, { lineWidth: 0, version: '1.1' })}`).join('');
}
