import { environmentFailed, type OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { DeployedService } from './deployment.ts';
import type { Engine, Task } from './engine.ts';

const SILENT_MS = 60_000;
const MOST_CHARACTERS = 300;

/** The tasks of a run, as the engine last described them. */
export class TaskWatch {
  readonly #engine: Engine;
  readonly #noted = new Set<string>();
  #tasks: readonly Task[] = [];
  #answeredMs = performance.now();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Asks the engine; while that does not answer, they are as they were. */
  async look(): Promise<readonly Task[]> {
    try {
      this.#tasks = await this.#engine.tasks();
      this.#answeredMs = performance.now();
    } catch (error) {
      if (performance.now() - this.#answeredMs > SILENT_MS) throw silent(this.#engine, error);
    }
    return this.#tasks;
  }

  of(service: string): Task | undefined {
    return this.#tasks.find((task) => task.service === service);
  }

  /** How many of these run or are done, for people, and the first that does not. */
  progress(services: readonly DeployedService[]): string {
    const isUp = ({ name }: DeployedService) => ['running', 'done'].includes(this.of(name)?.state ?? '');
    const [first, ...others] = services.filter((service) => !isUp(service));
    const up = services.length - others.length - (first === undefined ? 0 : 1);
    const all = `${up} of ${services.length} services run`;
    if (first === undefined) return all;
    const task = this.of(first.name);
    const why = task?.why === undefined ? '' : ` (${printable(task.why)})`;
    return `${all}; waiting for ${first.name}${onMachine(task)}${why}`;
  }

  /** The services that have ended since the last call although they should not, or that cannot start. */
  ended(services: readonly DeployedService[]): { readonly service: DeployedService; readonly task: Task }[] {
    return services.flatMap((service) => {
      const task = this.of(service.name);
      const isOver = task?.state === 'failed' || (task?.state === 'done' && !service.isJob);
      if (task === undefined || !isOver || this.#noted.has(service.name)) return [];
      this.#noted.add(service.name);
      return [{ service, task }];
    });
  }

  /** How a task ended, with the error that it has printed. */
  async describe(task: Task): Promise<string> {
    const log = await this.#engine.log(task.service).catch(() => '');
    const said = lastError(log);
    return `${describeTask(task)}${said === '' ? '' : `: ${said}`}`;
  }
}

/** Like `load-eu-west on m2 ended with exit code 137 (SIGKILL)`. */
export function describeTask(task: Task): string {
  const { service, exitCode, why, state } = task;
  const name = `${service}${onMachine(task)}`;
  if (state === 'lost') return `${name}: its machine does not answer`;
  if (exitCode !== undefined) return `${name} ended with exit code ${exitCode}${SIGNALS[exitCode] ?? ''}`;
  if (state === 'failed' || state === 'waiting')
    return `${name} ${state === 'failed' ? 'has failed' : 'does not run'}: ${printable(why ?? 'the engine does not say why')}`;
  return `${name} ${state === 'done' ? 'has ended' : 'runs'}`;
}

const SIGNALS: Readonly<Record<number, string>> = {
  134: ' (SIGABRT)',
  137: ' (SIGKILL)',
  139: ' (SIGSEGV)',
  143: ' (SIGTERM)',
};

function onMachine(task: Task | undefined): string {
  return task === undefined || task.machine === '' ? '' : ` on ${printable(task.machine)}`;
}

/** The last error in a log, as our programs print it; else its last line. */
function lastError(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const at = lines.findLastIndex((line) => line.startsWith('error: '));
  const text = at < 0 ? (lines.at(-1) ?? '') : (lines[at] ?? '').replace('error: ', '');
  return printable(text.trim()).slice(0, MOST_CHARACTERS);
}

function silent({ description }: Engine, error: unknown): OpenclawError {
  const why = error instanceof Error ? error.message : String(error);
  return environmentFailed(
    `${description} has not answered for ${SILENT_MS / 1_000} s: ${printable(why)}`,
    'see whether the engine runs: docker node ls',
    error,
  );
}
