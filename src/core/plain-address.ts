/** An IPv4 address without the `::ffff:` prefix of IPv6 sockets; empty if there is none. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
