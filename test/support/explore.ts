/** A system to explore: where it begins, what can happen in a state, and what must never be seen. */
export interface Model<State> {
  readonly initial: readonly State[];
  /** Every way on, in the same order each time it is asked. States are never changed. */
  next(state: State): Iterable<Step<State>>;
  /** Equal texts for states with the same future, and only for those. */
  encode(state: State): string;
  /**
   * Of states with equal texts, one with a lower rank can do whatever one with a higher can, and goes wrong no
   * later: only from ranks below all before is gone on. 0 for all where there is no such order.
   */
  rank(state: State): number;
  /** What is wrong with a state, if anything. */
  violation(state: State): string | undefined;
}

export interface Step<State> {
  readonly action: string;
  readonly state: State;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Actions to the farthest state. */
  readonly depth: number;
  /** Whether there was a limit on states, and it was met. */
  readonly isCut: boolean;
  readonly violation?: { readonly what: string; readonly path: readonly string[] };
}

/**
 * Visits every reachable state, nearest first, so that the path to the first violation is a shortest one. Only the
 * frontier's states are kept; of all others their text, and for the path the state they were reached from.
 */
export function explore<State>(model: Model<State>, { maxStates = Infinity } = {}): Exploration {
  const lowest = new Map<string, number>();
  const parents: number[] = [];
  const ordinals: number[] = [];
  let transitions = 0;
  let depth = 0;
  let frontier: { index: number; state: State }[] = [];

  const add = (state: State, parent: number, ordinal: number, into: typeof frontier) => {
    const what = model.violation(state); // also of a state seen before: its text need not tell what is wrong with it
    const text = model.encode(state);
    const rank = model.rank(state);
    const before = lowest.get(text);
    if (what === undefined && before !== undefined && before <= rank) return undefined;
    lowest.set(text, rank);
    const index = parents.push(parent) - 1;
    ordinals.push(ordinal);
    into.push({ index, state });
    return what;
  };
  const result = (isCut: boolean, what?: string): Exploration => ({
    states: parents.length,
    transitions,
    depth,
    isCut,
    ...(what !== undefined && { violation: { what, path: pathTo(model, parents, ordinals) } }),
  });

  for (const [ordinal, state] of model.initial.entries()) {
    const what = add(state, -1, ordinal, frontier);
    if (what !== undefined) return result(false, what);
  }
  while (frontier.length > 0) {
    const reached: typeof frontier = [];
    for (const { index, state } of frontier) {
      let ordinal = 0;
      for (const step of model.next(state)) {
        transitions++;
        const what = add(step.state, index, ordinal++, reached);
        if (what !== undefined) return result(false, what);
      }
      if (parents.length >= maxStates) return result(true);
    }
    if (reached.length > 0) depth++;
    frontier = reached;
  }
  return result(false);
}

/** The actions to the state that was added last, found by going the way again. */
function pathTo<State>(
  model: Model<State>,
  parents: readonly number[],
  ordinals: readonly number[],
): string[] {
  const way: number[] = [];
  for (let index = parents.length - 1; index >= 0; index = parents[index] ?? -1) way.unshift(index);
  let state = model.initial[ordinals[way[0] ?? 0] ?? 0];
  return way.slice(1).map((index) => {
    const step = [...model.next(state as State)][ordinals[index] ?? 0];
    state = step?.state;
    return step?.action ?? '?';
  });
}

/** An exploration as a person reads it. */
export function describe(exploration: Exploration): string {
  const { states, transitions, depth, isCut, violation } = exploration;
  const counts = `${states} states, ${transitions} transitions, ${depth} deep${isCut ? ', cut' : ''}`;
  if (violation === undefined) return `${counts}: no violation`;
  const steps = violation.path.map((action, at) => `${String(at + 1).padStart(3)}. ${action}`);
  return [`${counts}: ${violation.what}`, ...steps].join('\n');
}
