import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { populate } from '../../toxiproxy/server/api.ts';
import { ListenError } from '../../toxiproxy/server/listener.ts';
import { startToxiproxy, type Toxiproxy } from '../../toxiproxy/server/start.ts';
import { wholeNumber } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';

export function toxiproxyCommand(environment: Environment): Command {
  return new Command('toxiproxy')
    .description('Run a Toxiproxy until Ctrl-C: the API of version 2.12, without a binary to install.')
    .option('--host <address>', 'address of the API', '127.0.0.1')
    .option('--port <number>', 'port of the API; 0 takes a free one', wholeNumber(0, 65_535), 8474)
    .option('--seed <number>', 'seed of jitter and toxicity', wholeNumber(0, 2 ** 53 - 1))
    .option('--config <file>', 'JSON list of proxies to create at the start')
    .option('--proxy-metrics', 'serve GET /metrics: bytes received and sent by each proxy')
    .addHelpText('after', EXAMPLES)
    .action((options: ToxiproxyCommandOptions) => run(options, environment));
}

interface ToxiproxyCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly seed?: number;
  readonly config?: string;
  readonly proxyMetrics?: boolean;
}

const EXAMPLES = `
Examples:
  $ openclaw-rl toxiproxy --seed 1
  $ curl http://127.0.0.1:8474/proxies -d '{"name": "redis",
      "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379"}'
  $ curl -d '{"type": "latency", "attributes": {"latency": 40, "jitter": 10}}' \\
      http://127.0.0.1:8474/proxies/redis/toxics
  # proxies.json: [{"name": "redis", "listen": "127.0.0.1:26379",
  #   "upstream": "127.0.0.1:6379"}]
  $ openclaw-rl toxiproxy --config proxies.json

The API has no password and can open ports on this machine: keep it on loopback.`;

async function run({ config, ...options }: ToxiproxyCommandOptions, environment: Environment): Promise<void> {
  const proxies = config === undefined ? undefined : await readConfig(resolve(environment.cwd, config));
  const toxiproxy = await startToxiproxy(options).catch((error: Error) => {
    throw environmentFailed(error.message, 'choose another port with --port, or 0 for a free one');
  });
  try {
    if (proxies !== undefined) await addProxies(toxiproxy, proxies, environment);
    environment.out(`listening on ${toxiproxy.url}\n`);
    await environment.interrupted();
  } finally {
    await toxiproxy.close();
  }
}

async function readConfig(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw invalidOption(`--config: cannot read ${file}: ${error.code}`);
  });
}

async function addProxies({ registry }: Toxiproxy, config: string, environment: Environment): Promise<void> {
  const { proxies, error } = await populate(registry, config);
  if (error instanceof ListenError) {
    throw environmentFailed(
      `--config: ${printable(error.message)}`,
      'end what listens there, or give that proxy another `listen`; port 0 is a free one',
    );
  }
  if (error !== undefined) {
    throw invalidOption(
      `--config: ${printable(error instanceof Error ? error.message : String(error))}`,
      'expected [{"name": "...", "listen": "host:port", "upstream": "host:port"}]',
    );
  }
  for (const { name, listen, upstream } of proxies)
    environment.log(`${printable(`proxy ${name}: ${listen} -> ${upstream}`)}\n`);
}
