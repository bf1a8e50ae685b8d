import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { OpenclawError, printable } from '../../core/errors.ts';
import { populate } from '../../toxiproxy/server/api.ts';
import { startToxiproxy, type Toxiproxy } from '../../toxiproxy/server/start.ts';
import type { Environment } from '../environment.ts';
import { wholeNumber } from '../options.ts';

export function toxiproxyCommand(environment: Environment): Command {
  return new Command('toxiproxy')
    .description('Run a Toxiproxy alone, until Ctrl-C: the API of version 2.12, without a binary to install.')
    .option('--host <address>', 'the API listens on this address', '127.0.0.1')
    .option(
      '--port <number>',
      'the API listens on this port; 0 takes a free one',
      wholeNumber(0, 65_535),
      8474,
    )
    .option('--seed <number>', 'what jitter and toxicity are drawn from', wholeNumber(0, 2 ** 53 - 1))
    .option('--config <file>', 'a JSON list of proxies to begin with')
    .addHelpText('after', EXAMPLES)
    .action((options: ToxiproxyCommandOptions) => run(options, environment));
}

interface ToxiproxyCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly seed?: number;
  readonly config?: string;
}

const EXAMPLES = `
Examples:
  $ openclaw-rl toxiproxy --seed 1
  $ curl -d '{"name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379"}' \\
      http://127.0.0.1:8474/proxies
  $ curl -d '{"type": "latency", "attributes": {"latency": 40, "jitter": 10}}' \\
      http://127.0.0.1:8474/proxies/redis/toxics
  $ openclaw-rl toxiproxy --config proxies.json
      with proxies.json: [{"name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379"}]

There is no password: whoever reaches the API can open ports here. Keep it on loopback.`;

async function run({ config, ...options }: ToxiproxyCommandOptions, environment: Environment): Promise<void> {
  const proxies = config === undefined ? undefined : await readConfig(resolve(environment.cwd, config));
  const toxiproxy = await startToxiproxy(options).catch((error: Error) => {
    throw new OpenclawError('ENVIRONMENT_FAILED', error.message, {
      hint: 'choose another port with --port, or 0 for a free one',
    });
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
    throw new OpenclawError('INVALID_OPTION', `--config: cannot read ${file}: ${error.code}`);
  });
}

async function addProxies({ registry }: Toxiproxy, config: string, environment: Environment): Promise<void> {
  const { proxies, error } = await populate(registry, config);
  if (error !== undefined) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `--config: ${printable(error instanceof Error ? error.message : String(error))}`,
      {
        hint: 'expected [{"name": "...", "listen": "host:port", "upstream": "host:port"}]',
      },
    );
  }
  for (const { name, listen, upstream } of proxies)
    environment.log(`${printable(`proxy ${name}: ${listen} -> ${upstream}`)}\n`);
}
