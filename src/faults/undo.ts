import type { Undo } from './fault.ts';

/** Injects, and gives the undo; when that fails, what is in force by then is taken away before it throws. */
export async function orUndo(inject: () => Promise<void>, act: () => Promise<void>): Promise<Undo> {
  const undo = makeUndo(act);
  try {
    await inject();
  } catch (error) {
    await undo().catch(() => {}); // why it could not be injected says more
    throw error;
  }
  return undo;
}

/** An undo that acts once: whoever calls it again waits for that, or tries again where it failed. */
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
