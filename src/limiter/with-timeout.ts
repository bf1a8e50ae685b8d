/** Awaits `awaited`; if it has not settled after `ms` milliseconds, returns or throws the result of `late`. */
export async function withTimeout<T>(ms: number, awaited: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(1, ms));
  });
  try {
    return await Promise.race([awaited, timeout.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
