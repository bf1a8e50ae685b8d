import type { Event } from '../../history/records/operation.ts';
import type { Ground } from '../../hunt/ground.ts';
import type { RunReport } from '../../report/report.ts';
import { historyFilesOf } from '../files/history-files.ts';
import { linesOfFile } from '../files/lines-of-file.ts';

/**
 * Why the bound of a run is not certain: a node took over from another, by what their decisions say, and no change of its
 * role was recorded. Undefined if all takeovers of shards were recorded, and where nothing depends on them.
 */
export async function unrecordedTakeover(
  { above }: Pick<Ground, 'above'>,
  { folder, shards }: Pick<RunReport, 'folder' | 'shards'>,
): Promise<string | undefined> {
  if (above === 'nothing') return undefined;
  const promoted = new Map<string, number>();
  for (const file of historyFilesOf(folder))
    for await (const line of linesOfFile(file)) {
      const node = promotedIn(line);
      if (node !== undefined) promoted.set(node, (promoted.get(node) ?? 0) + 1);
    }
  return lackOfPromotions(shards, promoted);
}

/** `promoted`: how often each node was recorded to become a primary, or to come back as one. */
function lackOfPromotions(
  shards: RunReport['shards'],
  promoted: ReadonlyMap<string, number>,
): string | undefined {
  for (const { failovers } of shards) {
    const taken = new Map<string, number>();
    for (const { node } of failovers) taken.set(node, (taken.get(node) ?? 0) + 1);
    const lacking = [...taken].find(([node, times]) => times > (promoted.get(node) ?? 0));
    if (lacking !== undefined) return `no change of the role of ${lacking[0]} was recorded when it took over`;
  }
  return undefined;
}

/** The node that a line of a history records to become a primary; undefined for all other lines. */
function promotedIn(line: string): string | undefined {
  if (!line.includes('"event":"role"')) return undefined;
  const { node, args } = JSON.parse(line) as Event;
  return args?.to === 'primary' ? node : undefined;
}
