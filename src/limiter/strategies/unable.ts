import { invalidOption, type OpenclawError } from '../../core/errors.ts';

/** Makes the errors and the rejecting methods of a strategy that does not support the whole Limiter interface. */
export function inabilityOf(strategy: string) {
  const unable = (what: string): OpenclawError =>
    invalidOption(`${strategy} cannot ${what}`, 'use strategy central');
  return { unable, rejecting: (what: string) => (): Promise<never> => Promise.reject(unable(what)) };
}
