import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that offers one service on one port: a SOCKS5 proxy on 127.0.0.1, or a relay on [::1]. */
export interface Peer {
  readonly name: string;
  /** Null: it is not installed. */
  readonly version: string | null;
  /** A process for each client: what those took is gone with them, and cannot be counted. */
  readonly forks?: true;
  argv(port: number, tcp: number, udp: number): readonly string[];
}

/** What offers what, each with the settings it comes with but for one worker, ports, and room for all connections. */
export interface Peers {
  readonly ours: Readonly<Record<'stream' | 'native', Peer>>;
  readonly socks5: readonly Peer[];
  /** Those of them that take datagrams as well. */
  readonly associations: readonly Peer[];
  readonly datagrams: readonly Peer[];
  readonly idle: readonly Peer[];
}

/** @param hasNative koffi is installed. */
export function peersIn(folder: string, ours: string, hasNative: boolean): Peers {
  const file = (name: string, text: string): string => {
    const path = join(folder, `${name}.conf`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const nginxVersion = said(['nginx', '-v'], /nginx\/(\S+)/);
  const nginx = (name: string, service: (port: number, tcp: number, udp: number) => string): Peer => ({
    name: 'nginx stream',
    version: nginxVersion,
    argv: (...ports) => ['nginx', '-p', folder, '-c', file(name, nginxFile(folder, service(...ports)))],
  });
  const own = (engine: 'stream' | 'native', version: string | null): Peer => ({
    name: `hurricane ${engine}`,
    version,
    argv: (port, tcp, udp) => [process.execPath, ours, `${port}`, `${tcp}`, `${udp}`, '::1', 'lo', engine],
  });
  const dante: Peer = {
    name: 'dante',
    version: packageVersion('dante-server'),
    argv: (port) => ['danted', '-f', file('danted', danted(port))],
  };
  return {
    ours: { stream: own('stream', process.version), native: own('native', hasNative ? process.version : null) },
    socks5: [
      {
        name: 'microsocks',
        version: packageVersion('microsocks'),
        argv: (port) => ['microsocks', '-i', '127.0.0.1', '-p', `${port}`],
      },
      dante,
    ],
    associations: [dante],
    datagrams: [
      nginx('nginx-udp', (port, _tcp, udp) => `server { listen [::1]:${port} udp; proxy_pass 127.0.0.1:${udp}; }`),
      {
        name: 'socat',
        version: said(['socat', '-V'], /socat version (\S+)/),
        forks: true,
        argv: (port, _tcp, udp) => ['socat', `UDP6-LISTEN:${port},bind=[::1],reuseaddr,fork`, `UDP4:127.0.0.1:${udp}`],
      },
    ],
    idle: [
      {
        name: 'HAProxy',
        version: said(['haproxy', '-v'], /version (\S+)/),
        argv: (port, tcp) => ['haproxy', '-db', '-f', file('haproxy-idle', haproxy(port, tcp))],
      },
      nginx('nginx-idle', (port, tcp) => `server { listen [::1]:${port} backlog=4096; proxy_pass 127.0.0.1:${tcp}; }`),
    ],
  };
}

const haproxy = (port: number, tcp: number): string => `global
  maxconn 9950
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen relay
  bind [::1]:${port} backlog 4096
  server target 127.0.0.1:${tcp}
`;

/** Where Debian's libnginx-mod-stream has it. */
const nginxFile = (folder: string, server: string): string => `daemon off;
pid ${folder}/nginx-programs.pid;
error_log stderr crit;
worker_processes 1;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 20000; }
stream { ${server} }
`;

const danted = (port: number): string => `logoutput: /dev/null
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`;

function packageVersion(name: string): string | null {
  return said(['dpkg-query', '-W', '-f', `\${db:Status-Status} \${Version}`, name], /^installed (\S+)/, false);
}

function said([program = '', ...args]: readonly string[], pattern: RegExp, orInstalled = true): string | null {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) return null;
  return pattern.exec(stdout + stderr)?.[1] ?? (orInstalled ? 'installed' : null);
}
