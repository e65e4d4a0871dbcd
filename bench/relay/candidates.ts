import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that relays [::1]:PORT to 127.0.0.1:TARGET. */
export interface Candidate {
  readonly name: string;
  /** What it says of itself; null: it is not installed. */
  readonly version: string | null;
  /** A process for each connection: what those took is gone with them, and cannot be counted. */
  readonly forks?: true;
  argv(port: number, target: number): readonly string[];
}

/**
 * All with the settings they come with, but for one worker and the ports.
 *
 * @param folder for their configurations.
 * @param hasNative koffi is installed.
 */
export function candidates(folder: string, ours: string, hasNative: boolean): readonly Candidate[] {
  return [
    ...(['stream', 'native'] as const).map(
      (engine): Candidate => ({
        name: `hurricane ${engine}`,
        version: engine === 'native' && !hasNative ? null : process.version,
        argv: (p, t) => [process.execPath, ours, `${p}`, `${t}`, `${t}`, engine],
      }),
    ),
    {
      name: 'HAProxy',
      version: said(['haproxy', '-v'], /version (\S+)/),
      argv: (p, t) => ['haproxy', '-db', '-f', file(folder, `haproxy-${p}`, haproxy(p, t))],
    },
    {
      name: 'nginx stream',
      version: said(['nginx', '-v'], /nginx\/(\S+)/),
      argv: (p, t) => ['nginx', '-p', folder, '-c', file(folder, `nginx-${p}`, nginx(folder, p, t))],
    },
    {
      name: 'socat',
      forks: true,
      version: said(['socat', '-V'], /socat version (\S+)/),
      argv: (p, t) => ['socat', `TCP6-LISTEN:${p},bind=[::1],reuseaddr,fork,backlog=1024`, `TCP4:127.0.0.1:${t}`],
    },
  ];
}

const haproxy = (port: number, target: number): string => `global
  maxconn 4096
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen relay
  bind [::1]:${port}
  server target 127.0.0.1:${target}
`;

/** Where Debian's libnginx-mod-stream has it. */
const nginx = (folder: string, port: number, target: number): string => `daemon off;
pid ${folder}/nginx-${port}.pid;
error_log stderr crit;
worker_processes 1;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 8192; }
stream { server { listen [::1]:${port}; proxy_pass 127.0.0.1:${target}; } }
`;

/** What answers, and never slowly: one small document. */
export function answerer(folder: string, port: number): readonly string[] {
  const text = `daemon off;
pid ${folder}/answer.pid;
error_log stderr crit;
worker_processes 1;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "ok\\n"; } }
}
`;
  return ['nginx', '-p', folder, '-c', file(folder, 'answer', text)];
}

function file(folder: string, name: string, text: string): string {
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function said([program = '', ...args]: readonly string[], pattern: RegExp): string | null {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  // nginx says it on its error output.
  return error === undefined ? (pattern.exec(stdout + stderr)?.[1] ?? 'installed') : null;
}
