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
    return describeEnd(task, log);
  }
}

/** The error of a load whose start has passed, which only this program has chosen. */
const OF_START = '--start-at ';

/** How a task ended, and what its log says of it: an error is the cause, any other last line may not be. */
export function describeEnd(task: Task, log: string): string {
  const { error, last } = lastSaid(log);
  if (error?.startsWith(OF_START))
    return `${task.service}${onMachine(task)} was not ready at the start (${error.slice(OF_START.length)})`;
  if (error !== undefined) return `${describeTask(task)}: ${error}`;
  return `${describeTask(task)}${last === '' ? '' : `; its last line: ${last}`}`;
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

/** The last error in a log, as our programs print it, and its last line. */
function lastSaid(log: string): { readonly error?: string; readonly last: string } {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const short = (line: string) => printable(line.trim()).slice(0, MOST_CHARACTERS);
  const error = lines.findLast((line) => line.startsWith(ERROR));
  return {
    ...(error !== undefined && { error: short(error.slice(ERROR.length)) }),
    last: short(lines.at(-1) ?? ''),
  };
}

const ERROR = 'error: ';

function silent({ description }: Engine, error: unknown): OpenclawError {
  const why = error instanceof Error ? error.message : String(error);
  return environmentFailed(
    `${description} has not answered for ${SILENT_MS / 1_000} s: ${printable(why)}`,
    'see whether the engine runs: docker node ls',
    error,
  );
}
