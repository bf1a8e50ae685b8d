import { execFileSync } from 'node:child_process';

/**
 * Whether a program that only tests need is here, and succeeds with these arguments. Throws where it is not and OPENCLAW_RL_REQUIRE_PROGRAMS is set, as it
 * is in CI: there a test that is skipped has failed.
 */
export function hasProgram(name: string, ...args: string[]): boolean {
  try {
    execFileSync(name, args.length === 0 ? ['--version'] : args, { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch (error) {
    if (process.env.OPENCLAW_RL_REQUIRE_PROGRAMS) throw error;
    return false;
  }
}
