/** One line of CLUSTER NODES: what one node believes of another. */
export interface NodeView {
  readonly id: string;
  /** `host:port@busPort`. */
  readonly address: string;
  readonly role: 'primary' | 'replica';
  /** The id of its primary; absent for a primary. */
  readonly primaryId?: string;
  readonly epoch: number;
  /** As printed, for example `0-5461`; a slot in migration is left as it is written. */
  readonly slots: readonly string[];
  readonly isMyself: boolean;
  /** `fail`, `fail?`, `handshake`, `noaddr`: what is wrong with it, in the eyes of the viewer. */
  readonly troubles: readonly string[];
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
      return {
        id,
        address: address.split(',')[0] ?? '',
        role: flags.includes('master') ? 'primary' : 'replica',
        ...(primaryId === '-' ? {} : { primaryId }),
        epoch: Number(epoch),
        slots,
        isMyself: flags.includes('myself'),
        troubles: flags.filter((flag) => ['fail', 'fail?', 'handshake', 'noaddr'].includes(flag)),
        isLinked: link === 'connected',
      };
    });
}

/** What must be equal in every node's view once a cluster has settled: id, address, role, primary, epoch, slots. */
export function viewFingerprint(view: readonly NodeView[]): string {
  return view
    .map(({ id, address, role, primaryId = '-', epoch, slots }) =>
      [id, address, role, primaryId, epoch, ...slots].join(' '),
    )
    .sort()
    .join('\n');
}
