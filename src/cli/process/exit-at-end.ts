import { EXIT } from './exit-codes.ts';

interface Leaving {
  reallyExit(code?: number): never;
}

/** Called when the command has ended; undefined for a process that ends by itself. */
let atEnd: (() => void) | undefined;
/** The exit code of the command that has ended. */
let ended: number | undefined;

/**
 * From now on the process ends with its command, since foreign code in it could keep it alive. Foreign code that ends it
 * earlier, past `process.exit` too, ends it with the listeners of `exit`, and with the code `instead` of 0. Calls back when
 * the command has ended.
 */
export function exitAtEnd(callBack: () => void, instead: () => number): void {
  const process = globalThis.process as NodeJS.Process & Leaving;
  const { reallyExit } = process;
  let isLeaving = false;
  atEnd = callBack;
  process.reallyExit = (code = 0) => {
    if (!isLeaving) {
      isLeaving = true;
      process.exit(code); // comes back here once its listeners have been called
    }
    return Reflect.apply(reallyExit, process, [code === 0 ? (ended ?? instead()) : code]);
  };
}

/** Exits with the code that is set, after the results are written, if the command asked for that. */
export function commandEnded(): void {
  if (atEnd === undefined) return;
  ended = Number(process.exitCode ?? EXIT.pass);
  atEnd();
  process.stdout.write('', () => process.exit());
}
