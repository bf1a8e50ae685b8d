/** Runs it until it is enough, up to three times: a busy machine may prove too little. */
export async function proved<Ended>(
  run: () => Promise<Ended>,
  isEnough: (ended: Ended) => boolean,
  triesLeft = 2,
): Promise<Ended> {
  const ended = await run();
  return isEnough(ended) || triesLeft === 0 ? ended : proved(run, isEnough, triesLeft - 1);
}
