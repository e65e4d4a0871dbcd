const INSTALL: Readonly<Record<string, string>> = {
  ip: 'apt install iproute2',
  ss: 'apt install iproute2',
  getent: 'apt install libc-bin',
  ping: 'apt install iputils-ping',
  wg: 'apt install wireguard-tools',
  'wg-quick': 'apt install wireguard-tools',
  'wireguard-go':
    'this kernel has no WireGuard, so it needs either that module (modprobe wireguard) ' +
    'or wireguard-go (apt install wireguard-go)',
  socat:
    'this kernel has no "sit" tunnels, so 6in4 needs either that module (modprobe sit) or socat (apt install socat)',
};

/** How to get a program on Debian; null when we do not know. */
export const installHint = (tool: string): string | null => INSTALL[tool] ?? null;
