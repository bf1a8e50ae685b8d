import { createHash } from 'node:crypto';
import type { Mistake } from './rig.ts';

/** Mistakes of the scripts, each of which gives back or charges too much. */
export const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a settlement does not mark the record': change(
    'settle',
    "redis.call('PSETEX', KEYS[2], ARGV[2], packRecord(record, policies))\n",
    '',
  ),
  'a settled reservation expires too': change(
    'settle',
    'table.remove(bucket.entries, place)',
    'bucket.entries[place]',
  ),
  'an expired reservation is settled too': change('settle', 'if not isHeld then', 'if false then'),
  'a settlement gives back all': change('settle', ' - part.settled)', ')'),
  'a repeated extension is charged again': change(
    'extend',
    'if extension <= record.extensions then',
    'if false then',
  ),
  'a repeated reservation is charged again': change('reserve', 'if stored then', 'if false then'),
  'an extension holds nothing in the bucket': change('extend', 'if place then', 'if false then'),
};

/** Replaces a text of one script. */
export function change(name: string, from: string, to: string): Mistake {
  return (script) => {
    if (script.name !== name) return script;
    const source = script.source.replace(from, () => to);
    if (source === script.source) throw new Error(`lua/${name}.lua has no ${from}`);
    return { ...script, source, sha: createHash('sha1').update(source).digest('hex') };
  };
}
