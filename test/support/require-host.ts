import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HostNeeds {
  /** The right to make network namespaces and change what is in them. */
  readonly root?: boolean;
  /** Programs, by the name they are called. */
  readonly tools?: readonly string[];
  /** `/dev/net/tun`, which user-space tunnels are made of. */
  readonly tun?: boolean;
}

/** Debian's package for each program that tests call. */
const PACKAGES: Readonly<Record<string, string>> = {
  caddy: 'caddy',
  chromium: 'chromium',
  curl: 'curl',
  ethtool: 'ethtool',
  gcc: 'gcc',
  haproxy: 'haproxy',
  i2pd: 'i2pd',
  ip: 'iproute2',
  iperf3: 'iperf3',
  'linux.uml': 'user-mode-linux',
  lsm: 'lsm',
  modprobe: 'kmod',
  nc: 'netcat-openbsd',
  nft: 'nftables',
  openssl: 'openssl',
  ping: 'iputils-ping',
  prlimit: 'util-linux',
  promtool: 'prometheus',
  proxychains4: 'proxychains4',
  python3: 'python3-socks',
  setpriv: 'util-linux',
  socat: 'socat',
  ss: 'iproute2',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  systemctl: 'systemd',
  tmux: 'tmux',
  tor: 'tor',
  torsocks: 'torsocks',
  unshare: 'util-linux',
  wg: 'wireguard-tools',
  'wg-quick': 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
};

/** Places that hold system programs and are missing from an ordinary user's PATH, and from that of root after `su`. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

// What is found there has to be found by those who start it as well.
process.env['PATH'] = [...new Set([...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_PATH])].join(':');

// linux/capability.h
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/**
 * Null when this host has all that is needed; otherwise one sentence why it cannot run the tests.
 *
 * Under CI (`CI=true`) it throws that sentence, so that nothing is skipped where everything must run.
 *
 * @example
 * const missing = requireHost({ root: true, tools: ['ip', 'nft'] });
 * describe.skipIf(missing !== null)(`real packets${missing === null ? '' : ` (skipped: ${missing})`}`, () => { ... });
 */
export function requireHost(needs: HostNeeds): string | null {
  const missing = missingOn(needs);
  if (missing !== null && process.env['CI'] === 'true') throw new Error(`CI must run every test, but ${missing}`);
  return missing;
}

function missingOn(needs: HostNeeds): string | null {
  for (const tool of needs.tools ?? []) {
    if (isInstalled(tool)) continue;
    const from = PACKAGES[tool];
    return `the program ${tool} is missing${from === undefined ? '' : ` (Debian package ${from})`}.`;
  }
  if (needs.root === true && !mayMakeNamespaces()) {
    return 'this process may not make network namespaces: it needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN.';
  }
  if (needs.tun === true && !isUsable('/dev/net/tun', constants.R_OK | constants.W_OK)) {
    return 'this process cannot use /dev/net/tun, which user-space tunnels are made of.';
  }
  return null;
}

function isInstalled(tool: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => folder !== '' && isUsable(join(folder, tool), constants.X_OK));
}

/** Root in a container often lacks these rights, so the user number alone says too little. */
function mayMakeNamespaces(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (line === undefined) return false;
  const rights = BigInt(`0x${line}`);
  return process.getuid?.() === 0 && [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((cap) => ((rights >> cap) & 1n) === 1n);
}

function isUsable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
