import type { JudgeOptions } from '../checker/judge-history.ts';

/** How sharp a matcher judges: options of `judgeHistory`, with its defaults. */
export type MatchOptions = Pick<JudgeOptions, 'falseDenials' | 'contested' | 'info' | 'clockSlackUs'>;
