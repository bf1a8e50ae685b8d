import { Option } from 'commander';

export function endpointsOption(what: string): Option {
  return new Option('--endpoints <file>', `${what}; see docs/your-redis.md; password: REDIS_PASSWORD`);
}
