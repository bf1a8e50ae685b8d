/** One line of CLUSTER NODES: one node as seen by another. */
export interface NodeView {
  readonly id: string;
  /** `host:port@busPort`. */
  readonly address: string;
  /** The host name that it announces, if it has one. */
  readonly hostname?: string;
  readonly role: 'primary' | 'replica';
  /** The id of its primary; absent for a primary. */
  readonly primaryId?: string;
  readonly epoch: number;
  /** As printed, for example `0-5461`. A migrating slot is kept as printed. */
  readonly slots: readonly string[];
  readonly isMyself: boolean;
  /** The flags `fail`, `fail?`, `handshake` and `noaddr`, as the viewing node reports them. */
  readonly problems: readonly string[];
  readonly isLinked: boolean;
}

/** Reads the reply of CLUSTER NODES. */
export function parseClusterNodes(text: string): NodeView[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', address = '', flagText = '', primaryId = '-', , , epoch = '0', link = '', ...slots] =
        line.split(' ');
      const flags = flagText.split(',');
      const [at = '', hostname = ''] = address.split(',');
      return {
        id,
        address: at,
        ...(hostname === '' || hostname.includes('=') ? {} : { hostname }),
        role: flags.includes('master') ? 'primary' : 'replica',
        ...(primaryId === '-' ? {} : { primaryId }),
        epoch: Number(epoch),
        slots,
        isMyself: flags.includes('myself'),
        problems: flags.filter((flag) => ['fail', 'fail?', 'handshake', 'noaddr'].includes(flag)),
        isLinked: link === 'connected',
      };
    });
}

/** Whether the error is the reply of a server without cluster mode to a CLUSTER command. */
export function isClusterDisabled(error: unknown): boolean {
  return error instanceof Error && /cluster support disabled/i.test(error.message);
}

/** Whether the error is the reply of a server that wants a password, or another one. */
export function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && /\b(NOAUTH|WRONGPASS)\b/.test(error.message);
}

/** The text that must be equal for all nodes of a settled cluster: id, address, role, primary, epoch and slots. */
export function viewFingerprint(view: readonly NodeView[]): string {
  return view
    .map(({ id, address, role, primaryId = '-', epoch, slots }) =>
      [id, address, role, primaryId, epoch, ...slots].join(' '),
    )
    .sort()
    .join('\n');
}
