import { OpenclawError, quoted } from '../core/errors.ts';
import { between, checkKnown } from '../regions/pairs.ts';
import type { Topology } from '../regions/topology.ts';
import type { FaultSpec } from '../scenario/fault-spec.ts';
import { cutPairs } from './partition.ts';

/** Throws INVALID_OPTION, with what there is, when a fault names a region or a node that the topology lacks. */
export function checkFault(spec: FaultSpec, topology: Topology): void {
  switch (spec.fault) {
    case 'partition':
    case 'flap':
      cutPairs(spec, topology);
      return;
    case 'latency':
    case 'bandwidth':
      between(spec.between, topology);
      return;
    case 'drop-reply':
      checkKnown(spec.regions, topology);
      if (topology.regions.length > 1) return;
      throw new OpenclawError('INVALID_OPTION', 'a single region gets no replies from another');
    case 'gateway-clock':
      checkKnown([spec.region], topology);
      return;
    default:
      checkNode(spec.node, topology);
  }
}

function checkNode(node: string, { nodes }: Topology): void {
  if (nodes.some(({ name }) => name === node)) return;
  const known = nodes.map(({ name }) => name).join(', ');
  throw new OpenclawError('INVALID_OPTION', `a node is one of ${known}; found ${quoted(node)}`);
}
