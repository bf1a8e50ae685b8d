import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { placeFile } from '../files/write-file.ts';
import { endpointsOption } from '../flags/endpoints-flag.ts';
import { refuseTyped } from '../flags/refuse-typed.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import type { ManifestFlags, PlannedManifests } from '../runs/plan-manifests.ts';
import { scenarioOptions } from '../runs/scenario-run.ts';

interface Flags extends ManifestFlags {
  readonly out?: string;
  readonly json: boolean;
}

const DEFAULT_SECRET = 'openclaw-rl';

export function manifestsCommand(environment: Environment): Command {
  const command = new Command('manifests')
    .description(
      'Write what an engine needs for a run of a scenario: load and services where the regions are.',
    )
    .addOption(
      new Option('--engine <name>', 'kubernetes: objects for kubectl')
        .choices(['kubernetes'])
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--start-at <time>',
      'when the load begins, in UTC, some minutes ahead: 12:30, 12:30:05, or ISO 8601',
    )
    .requiredOption('--image <name>', 'the image of openclaw-rl, as the machines pull it')
    .addOption(
      endpointsOption('your own Redis, by the addresses in this file (default: Redis nodes are made, too)'),
    )
    .option('--allow-eviction', 'with --endpoints: run although a server may evict keys')
    .option(
      '--secret <name>',
      'the Secret with OPENCLAW_RL_TOKEN, and of your own Redis REDIS_PASSWORD',
      DEFAULT_SECRET,
    )
    .option('--run <name>', 'name of the run; a hash of plan and start is added', 'run')
    .addOption(
      new Option(
        '--out <folder>',
        'write foundation.yaml and run.yaml into it, and print the commands',
      ).conflicts('json'),
    )
    .option('--json', 'print a List in JSON instead of YAML', false)
    .addHelpText('after', EXAMPLES);
  return scenarioOptions(command).action(async (scenario: string, { out, json, ...flags }: Flags) => {
    checkFlags(command, flags);
    const { checkStartText } = await import('../../experiment/parts/start-time.ts');
    checkStartText(flags.startAt);
    const { planManifests } = await import('../runs/plan-manifests.ts'); // heavy: not for --help
    const planned = await planManifests(scenario, flags, environment);
    const { foundation, measured } = planned;
    const items = [...foundation, ...measured];
    if (out !== undefined) environment.out(await writeOut(planned, out, environment));
    else if (json) environment.out(jsonText({ apiVersion: 'v1', kind: 'List', items }));
    else environment.out((await loadYaml()).yamlOf(items));
  });
}

const EXAMPLES = `
Nothing is started: kubectl does that. Machines are found by the label
openclaw.region=<region>. Services and Redis nodes are never restarted. Faults
are not played. See docs/kubernetes.md.

Examples:
  $ kubectl label node worker-1 openclaw.region=us-east
  $ kubectl create secret generic openclaw-rl \\
      --from-literal=OPENCLAW_RL_TOKEN="$(openssl rand -hex 32)"
  # writes two files, and prints the commands up to the verdict
  $ openclaw-rl manifests baseline --engine kubernetes --start-at 12:30 \\
      --image registry.example.com/openclaw-rl:1 --out manifests
  # all at once
  $ openclaw-rl manifests baseline --engine kubernetes --start-at 12:30 \\
      --image registry.example.com/openclaw-rl:1 | kubectl apply -f -`;

/** As of \`load\`. */
const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,50}$/;
const IMAGE = /^[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]{64})?$/;
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Throws INVALID_OPTION. */
function checkFlags(command: Command, { image, secret, run, endpoints }: ManifestFlags): void {
  refuseTyped(command, ['homes'], 'a run on an engine has no homes yet');
  if (endpoints === undefined) refuseTyped(command, ['allowEviction'], 'only valid with --endpoints');
  if (!IMAGE.test(image))
    throw invalidOption(
      `--image must name an image, like registry.example.com/openclaw-rl:1; found ${quoted(image)}`,
    );
  if (!OBJECT_NAME.test(secret))
    throw invalidOption(`--secret must be a name of a-z, 0-9, "-" and "."; found ${quoted(secret)}`);
  if (!RUN_NAME.test(run))
    throw invalidOption(
      `--run must be 1 to 51 letters, digits, ".", "_" and "-", the first a letter or digit; found ${quoted(run)}`,
    );
}

const loadYaml = () => import('../../engines/kubernetes/manifest-yaml.ts'); // heavy: not for --help

/** Writes both files. Gives the commands that take them to a verdict. Throws ENVIRONMENT_FAILED. */
async function writeOut(
  planned: PlannedManifests,
  out: string,
  { cwd, interrupt }: Environment,
): Promise<string> {
  const { foundation, measured } = planned;
  const folder = resolve(cwd, out);
  const hint = 'name another folder with --out';
  const { yamlOf } = await loadYaml();
  const texts = { 'foundation.yaml': yamlOf(foundation), 'run.yaml': yamlOf(measured) };
  await mkdir(folder, { recursive: true }).catch(() => {}); // writing says why not
  for (const [name, text] of Object.entries(texts))
    await placeFile(join(folder, name), { signal: interrupt, hint }, (path) => writeFile(path, text));
  const { commandsTo } = await import('../runs/kubectl-commands.ts');
  return commandsTo(planned, out);
}
