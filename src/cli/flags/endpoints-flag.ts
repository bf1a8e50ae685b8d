import { Option } from 'commander';

export function endpointsOption(what: string): Option {
  return new Option('--endpoints <file>', `${what}; see docs/clusters.md; password: REDIS_PASSWORD`);
}
