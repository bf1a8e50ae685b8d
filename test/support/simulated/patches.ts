import { makeScript, type Script } from '../../../src/limiter/redis/script.ts';
import { FaultyRun } from '../../../src/simulation/faulty-run.ts';
import { ScriptEngine } from '../../../src/simulation/scripts/engine.ts';
import { ServiceProcess } from '../../../src/simulation/service/process.ts';

export type Undo = () => void;

/** Replaces a method of all objects of a class, until it is undone. */
export function patch<T extends object, K extends keyof T>(of: T, name: K, make: (was: T[K]) => T[K]): Undo {
  const was = of[name];
  of[name] = make(was);
  return () => {
    of[name] = was;
  };
}

/** Undoes them all, the last first. */
export function all(...undos: readonly Undo[]): Undo {
  return () => {
    for (const undo of undos.toReversed()) undo();
  };
}

/** A text of a script, and what stands there instead. */
export type Change = readonly [from: string, to: string];

/** The simulated nodes run these scripts with texts replaced. Throws if a text is not there exactly once. */
export function inScripts(names: readonly string[], changes: readonly Change[]): Undo {
  const changed = new Map<string, Script>();
  const change = ({ name, sha, source }: Script): Script => {
    const known = changed.get(sha);
    if (known !== undefined) return known;
    const made = makeScript(
      name,
      changes.reduce((text, each) => replacedOnce(text, each), source),
    );
    changed.set(sha, made);
    return made;
  };
  return patch(
    ScriptEngine.prototype,
    'run',
    (was) =>
      function (this: ScriptEngine, script, keys, args, on) {
        return was.call(this, names.includes(script.name) ? change(script) : script, keys, args, on);
      },
  );
}

/** A bug that is texts of scripts: planted here, or in a copy of the program. */
export interface ScriptBug extends Altered {
  (): Undo;
}

/** Texts that are replaced in each of these scripts. */
export interface Altered {
  readonly scripts: readonly string[];
  readonly changes: readonly Change[];
}

export function scriptBug(scripts: readonly string[], changes: readonly Change[]): ScriptBug {
  return Object.assign(() => inScripts(scripts, changes), { scripts, changes });
}

/** Throws if the text is not there exactly once. */
export function replacedOnce(text: string, [from, to]: Change): string {
  const parts = text.split(from);
  if (parts.length === 2) return parts.join(to);
  throw new Error(`found ${parts.length - 1} times: ${from}`);
}

/** The monotonic clocks of all services, by the true time and the time since the load began. Microseconds. */
export function clocks(read: (us: number, loadUs: number) => number): Undo {
  let originUs: number | undefined;
  let hasBegun = false;
  const undoStart = patch(
    FaultyRun.prototype,
    'start',
    (was) =>
      function (this: FaultyRun, onFailure) {
        hasBegun = true;
        was.call(this, onFailure);
      },
  );
  const undoDraw = patch(
    ServiceProcess.prototype,
    'randomUpTo',
    (was) =>
      function (this: ServiceProcess, most) {
        const { time } = this;
        const trueUs = time.nowUs.bind(time);
        time.nowUs = () => {
          const us = trueUs();
          if (hasBegun) originUs ??= us;
          return read(us, originUs === undefined ? 0 : us - originUs);
        };
        return was.call(this, most); // the number of a holder is drawn once, before its clock is read
      },
  );
  return all(undoStart, undoDraw);
}
