import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentFailed } from '../../../src/core/errors.ts';
import { type DeployedService, FILES, SECRETS } from '../../../src/engines/deployment.ts';
import type { Deployed, Engine, Task } from '../../../src/engines/engine.ts';
import { BIN } from '../cli.ts';

interface Started {
  readonly child: ChildProcess;
  readonly logFile: string;
  /** Of its end. */
  code: number | undefined;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGKILL: 137, SIGTERM: 143 };

let networks = 0;

/** An engine whose tasks are processes of this machine: each service has an address of its own instead of a name. */
export class LocalEngine implements Engine {
  readonly description = 'processes of this machine';
  readonly address = '127.0.0.1';
  readonly started = new Map<string, Started>();
  /** Changes the command of a service, for tests of what fails. */
  readonly change: (service: DeployedService) => DeployedService;
  isRemoved = false;
  /** The services whose machines do not answer. */
  readonly lost = new Set<string>();
  /** It says that it cannot remove all. */
  isBroken = false;
  readonly #folder: string;
  readonly #network = `127.${100 + (process.pid % 100)}.${++networks}`;
  readonly #addresses = new Map<string, string>();

  constructor(folder: string, change: LocalEngine['change'] = (service) => service) {
    this.#folder = folder;
    this.change = change;
    for (const sub of ['files', 'tasks']) mkdirSync(join(folder, sub), { recursive: true });
  }

  async deploy({ deployment, secrets }: Deployed): Promise<void> {
    for (const { name, port } of deployment.services)
      if (port !== undefined && !this.#addresses.has(name))
        this.#addresses.set(name, `${this.#network}.${this.#addresses.size + 1}`);
    for (const [name, text] of Object.entries(deployment.files))
      writeFileSync(join(this.#folder, 'files', name), name === 'endpoints.yaml' ? this.#local(text) : text);
    for (const service of deployment.services)
      if (!this.started.has(service.name)) this.#start(this.change(service), secrets);
  }

  async tasks(): Promise<Task[]> {
    return [...this.started].map(([service, { code }]) => ({
      ...{ service, machine: 'here' },
      state: this.lost.has(service)
        ? 'lost'
        : code === undefined
          ? 'running'
          : code === 0
            ? 'done'
            : 'failed',
      ...(code !== undefined && { exitCode: code }),
    }));
  }

  async log(service: string): Promise<string> {
    return readFileSync(this.started.get(service)?.logFile ?? '', 'utf8');
  }

  async remove(): Promise<void> {
    this.kill();
    const children = [...this.started.values()].filter(({ code }) => code === undefined);
    await Promise.all(children.map(({ child }) => once(child, 'exit')));
    this.isRemoved = true;
    if (this.isBroken) throw environmentFailed('2 services are left', 'openclaw-rl down --all');
  }

  kill(): void {
    for (const { child, code } of this.started.values()) if (code === undefined) child.kill('SIGKILL');
  }

  #start({ name, role, command }: DeployedService, secrets: Deployed['secrets']): void {
    const folder = join(this.#folder, 'tasks', name);
    mkdirSync(folder);
    const [program = '', ...args] = command.map((word) =>
      this.#local(word)
        .replace(FILES, join(this.#folder, 'files'))
        .replace(/^\/tmp$/, folder),
    );
    const given = Object.entries(secrets).filter(([variable]) => SECRETS[role].includes(variable));
    const logFile = join(folder, 'log');
    const log = openSync(logFile, 'a');
    const child = spawn(program === 'openclaw-rl' ? BIN : program, args, {
      cwd: folder,
      stdio: ['ignore', log, log],
      env: { ...process.env, NO_COLOR: '1', OPENCLAW_RL_STATE: folder, ...Object.fromEntries(given) },
    });
    closeSync(log);
    const started: Started = { child, logFile, code: undefined };
    child.once('exit', (code, signal) => {
      started.code = code ?? SIGNALS[signal ?? ''] ?? 255;
    });
    this.started.set(name, started);
  }

  /** The text with addresses instead of the names of services. */
  #local(text: string): string {
    const names = [...this.#addresses.keys()].toSorted((a, b) => b.length - a.length);
    return names.reduce((local, name) => local.replaceAll(name, this.#addresses.get(name) ?? ''), text);
  }
}
