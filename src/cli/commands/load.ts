import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { printable, quoted } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { endpointsOption } from '../flags/endpoints-flag.ts';
import { partServiceOptions } from '../flags/target-options.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import type { LoadedPart, PartFlags } from '../runs/load-part.ts';
import { type ScenarioFlags, scenarioOptions } from '../runs/scenario-run.ts';

type Flags = Omit<ScenarioFlags, 'clock'> &
  Omit<PartFlags, 'url'> & { readonly clock?: string; readonly json: boolean };

export function loadCommand(environment: Environment): Command {
  const command = new Command('load')
    .description('Send one part of the load of a scenario, and record it: one command for each region.')
    .addOption(
      endpointsOption('your own Redis or services, by the addresses in this file').makeOptionMandatory(),
    )
    .requiredOption(
      '--part <name>',
      'the region whose load is sent; eu-west:2/3 is the second third, if each region has three parts',
    )
    .requiredOption(
      '--start-at <time>',
      "when the load of all parts begins, in UTC by the clock's machine: 12:30, 12:30:05, or ISO 8601",
    )
    .addOption(new Option('--clock <url>', 'the clock of the run: where `serve clock` listens'))
    .option(
      '--gateway <url>',
      'send to this gateway and its Rating services, which run already with --evidence and the key prefix of the run; starts none',
    )
    .option('--out <file>', 'write the history of the part into this new file; packed if it ends in .gz')
    .option('--send', 'send it to the clock, which was started with --parts; token: OPENCLAW_RL_TOKEN')
    .option('--run <name>', 'name of the run; a hash of plan and start is added (default: "run")')
    .option(
      '--task <text>',
      'what your scheduler calls this process; the history has it (default: OPENCLAW_RL_TASK)',
    )
    .option('--control', 'the run has a control part with its faults: without its file, no verdict is pass')
    .option('--allow-eviction', 'run although a server may evict keys')
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', EXAMPLES);
  return partServiceOptions(scenarioOptions(command))
    .addOption(promiseOption())
    .action(async (scenario: string, typed: Flags) => {
      const { OPENCLAW_RL_TASK: named } = environment.env;
      const flags = { ...(named && { task: named }), ...typed };
      const { clock, json, ...others } = flags;
      const addresses = checkFlags(flags);
      const { checkStartText } = await import('../../experiment/parts/start-time.ts');
      checkStartText(flags.startAt);
      const { loadPart } = await import('../runs/load-part.ts'); // heavy: not for --help
      const loaded = await loadPart(
        { scenario, flags: others, command },
        { ...others, ...addresses },
        environment,
      );
      for (const problem of loaded.problems) environment.log(`warning: ${printable(problem)}\n`);
      environment.out(json ? jsonText(resultOf(loaded, flags)) : textOf(loaded, flags));
    });
}

const EXAMPLES = `
Without --gateway it starts the gateway and the Rating services of its region in
front of the Redis of the file, warms them up, waits for the start, sends the
load, and stops them. Keys are not deleted: they expire. \`check\` judges all
files.
A part with another plan or another start is of another run, whatever --run is.

Examples:
  # on one machine, while the load runs
  $ openclaw-rl serve clock --host 10.0.0.1
  # on the machine of each region, with its name
  $ openclaw-rl load baseline --endpoints endpoints.yaml --part eu-west \\
      --clock http://10.0.0.1:7070 --start-at 12:30 --out eu-west.ndjson
  # then, with the files in one folder
  $ openclaw-rl check us-east.ndjson eu-west.ndjson ap-south.ndjson
  # two processes for each region
  $ openclaw-rl load baseline --endpoints endpoints.yaml --part eu-west:1/2 \\
      --clock http://10.0.0.1:7070 --start-at 12:30 --send`;

/** The id of a run has at most 64 characters, 13 of which are the hash. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,50}$/;
const MOST_TASK = 200;

/** Gives the URLs of the clock and of the gateway, without a slash at their ends. Throws INVALID_OPTION. */
function checkFlags({
  clock,
  gateway,
  out,
  send,
  run,
  task = '',
}: Flags): Pick<PartFlags, 'url' | 'gateway'> {
  if (clock === undefined)
    throw invalidOption(
      '--clock is missing: the parts of a run need one clock that all of them reach',
      'start one: openclaw-rl serve clock --host <address>; then add --clock http://<address>:7070',
    );
  const url = originOf(clock, '--clock', 'http://10.0.0.1:7070');
  if (out === undefined && !send)
    throw invalidOption(
      'the history of the part has no place',
      'add --out <file>, or --send for a clock that was started with --parts',
    );
  if (run !== undefined && !NAME.test(run))
    throw invalidOption(
      `--run must be 1 to 51 letters, digits, ".", "_" and "-", the first a letter or digit; found ${quoted(run)}`,
    );
  if (task.length > MOST_TASK)
    throw invalidOption(
      `--task, or OPENCLAW_RL_TASK, must have at most ${MOST_TASK} characters; found ${task.length}`,
    );
  return {
    url,
    ...(gateway !== undefined && { gateway: originOf(gateway, '--gateway', 'http://10.0.0.1:8080') }),
  };
}

function originOf(text: string, option: string, example: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.pathname + url.search === '/' && url.username === '')
    return url.origin;
  throw invalidOption(`${option} must be like ${example}; found ${quoted(text)}`);
}

function resultOf({ part, books, digest, problems, clock, accepted }: LoadedPart, { out }: Flags) {
  const { header, startMs, file } = part;
  const { name, ...named } = header;
  return {
    ...{
      format: 'openclaw-part',
      version: 1,
      ...named,
      part: name,
      startAt: new Date(startMs).toISOString(),
    },
    ...(out !== undefined && { file }),
    ...(accepted !== undefined && { accepted }),
    ...{ digest, books, clock, problems },
  };
}

function textOf({ part, books, digest, clock, accepted }: LoadedPart, { out }: Flags): string {
  const { name, run, of } = part.header;
  const { sent, dropped, ...outcomes } = books;
  const ended = Object.entries(outcomes).map(([outcome, number]) => `${outcome} ${number}`);
  const away = clock.missed === 0 ? '' : `, ${count(clock.missed, 'ping')} without an answer`;
  const files = of.map((part) => (part === name && out !== undefined ? out : `<${part}>`));
  return [
    `part ${name} of run ${run}: ${count(sent, 'request')} (${ended.join(', ')}; ${dropped} dropped)`,
    `clock ${clock.machine}: ${count(clock.readings, 'ping')}, the best within ${(clock.errorUs / 1_000).toFixed(2)} ms${away}`,
    ...(out === undefined ? [] : [`file ${printable(out)}, sha256 ${digest.slice(0, 12)}`]),
    ...(accepted === undefined ? [] : [`sent: it is ${printable(accepted)} there`]),
    `then, with the files of all parts: openclaw-rl check ${files.map((file) => (file.startsWith('<') ? file : quotedForShell(file))).join(' ')}`,
    '',
  ].join('\n');
}
