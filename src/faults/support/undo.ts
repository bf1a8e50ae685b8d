import type { Undo } from './fault.ts';

/**
 * Injects a fault and returns its undo. If the injection fails, it undoes the injected part and throws; if that fails,
 * too, `undoLeftBy` has the undo.
 */
export async function orUndo(inject: () => Promise<void>, act: () => Promise<void>): Promise<Undo> {
  const undo = makeUndo(act);
  try {
    await inject();
  } catch (error) {
    await undo().catch(() => left.set(Object(error), undo)); // the error of the injection matters more
    throw error;
  }
  return undo;
}

const left = new WeakMap<object, Undo>();

/** What a failed injection could not undo; undefined if nothing of it is in force. */
export function undoLeftBy(error: unknown): Undo | undefined {
  return left.get(Object(error));
}

/** An undo that acts once. Further calls wait for it, or retry after a failure. */
function makeUndo(act: () => Promise<void>): Undo {
  let acting: Promise<void> | undefined;
  return () => {
    acting ??= act().catch((error: unknown) => {
      acting = undefined;
      throw error;
    });
    return acting;
  };
}
