/** What the machine lacks, and what to do about it. */
export interface Scarcity {
  readonly what: string;
  readonly hint: string;
  /** Whether an error that names a place has a better hint. */
  readonly hasPlace?: true;
}

const FILES: Scarcity = {
  what: 'too many open files',
  hint: 'raise the limit: ulimit -n 4096 (if that is refused: raise nofile in /etc/security/limits.conf)',
};
const MEMORY: Scarcity = {
  what: 'out of memory',
  hint: 'free memory, or raise the limit: ulimit -v unlimited',
};
const DISK: Scarcity = { what: 'no space left to write', hint: 'free disk space', hasPlace: true };

/** By the code of a system error or of Node. */
const BY_CODE: Readonly<Record<string, Scarcity>> = {
  EMFILE: FILES,
  ENFILE: FILES,
  ENOMEM: MEMORY,
  ERR_WORKER_OUT_OF_MEMORY: MEMORY,
  ERR_WORKER_INIT_FAILED: MEMORY,
  ERR_MEMORY_ALLOCATION_FAILED: MEMORY,
  ENOSPC: DISK,
  EDQUOT: DISK,
};

/** What V8 says when it cannot allocate. */
const NO_MEMORY = /out of memory|could not allocate memory|allocation failed/i;

/** What the machine lacked, if an error or one of its causes comes from that; undefined for all other errors. */
export function scarcityOf(error: unknown): Scarcity | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code === 'EAGAIN' && syscall?.startsWith('spawn'))
      return { what: 'no more processes can be started', hint: 'end some, or raise the limit: ulimit -u' };
    if (code !== undefined && BY_CODE[code] !== undefined) return BY_CODE[code];
    if (cause instanceof RangeError && NO_MEMORY.test(cause.message)) return MEMORY;
  }
  return undefined;
}
