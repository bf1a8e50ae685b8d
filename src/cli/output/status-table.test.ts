import { describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../regions/cluster/status.ts';
import type { Environment } from '../process/environment.ts';
import { printStatus } from './status-table.ts';

const status: ClusterStatus = { name: 'default', provider: 'local', nodes: [], links: [] };

function firstLine(shown: ClusterStatus): string | undefined {
  let printed = '';
  const out = (text: string) => {
    printed += text;
  };
  printStatus(shown, false, { out, look: { colour: false } } as Environment);
  return printed.split('\n')[0];
}

describe('the status of a cluster', () => {
  it('begins with its name and its provider', () =>
    expect(firstLine(status)).toBe('cluster default (local)'));

  it('says the name by which clients of Sentinels find the primary', () =>
    expect(firstLine({ ...status, primaryName: 'primary' })).toBe(
      "cluster default (local); the primary's name for Sentinels: primary",
    ));
});
