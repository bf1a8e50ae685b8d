import type { Undo } from './fault.ts';

/** Injects a fault and returns its undo. If the injection fails, it undoes the injected part and throws. */
export async function orUndo(inject: () => Promise<void>, act: () => Promise<void>): Promise<Undo> {
  const undo = makeUndo(act);
  try {
    await inject();
  } catch (error) {
    await undo().catch(() => {}); // the error of the injection matters more
    throw error;
  }
  return undo;
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
