import type { Operation } from '../history/records/operation.ts';
import { announcedAddress, type Regions } from '../regions/provider.ts';

/** Names nodes by the plan instead of their addresses; of external nodes in the text of errors, too. */
export function makeNodeNames(regions: Regions): (operation: Operation) => Operation {
  const { nodes, external } = regions.topology;
  const names = new Map(nodes.map(({ name }) => [announcedAddress(regions, name), name]));
  const hide = external === undefined ? (error: string) => error : hideAddresses(regions, names);
  return (operation) => {
    const { decision, error } = operation;
    const node = names.get(decision?.node ?? '');
    const isSecret = external !== undefined && error !== undefined;
    if (node === undefined && !isSecret) return operation;
    return {
      ...operation,
      ...(decision && node !== undefined && { decision: { ...decision, node } }),
      ...(isSecret && { error: hide(error) }),
    };
  };
}

function hideAddresses(regions: Regions, names: ReadonlyMap<string, string>): (error: string) => string {
  const direct = regions.topology.nodes.map(({ name }) => {
    const { host, port } = regions.direct(name);
    return [`${host}:${port}`, name] as const;
  });
  const all = [...names, ...direct];
  return (error) => all.reduce((text, [address, name]) => text.replaceAll(address, name), error);
}
