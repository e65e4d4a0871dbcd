import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.js';

/** Something that relays ADDRESS:PORT to 127.0.0.1:TARGET. */
export interface Candidate {
  readonly name: string;
  /** What it says of itself; null: it is not installed. */
  readonly version: string | null;
  /** A process for each connection: what those took is gone with them, and cannot be counted. */
  readonly forks?: true;
  /** Parts of the names of the rows that it is in; absent: of all. */
  readonly rows?: readonly string[];
  argv(port: number, target: number, at: Place): readonly string[];
}

/**
 * All with the settings they come with, but for one worker and the ports, and what "tuned" says.
 *
 * @param folder for their configurations.
 * @param hasNative koffi is installed.
 */
export function candidates(folder: string, ours: string, hasNative: boolean): readonly Candidate[] {
  const own = (name: string, words: readonly string[], rows?: readonly string[]): Candidate => ({
    name: `hurricane ${name}`,
    version: words.includes('native') && !hasNative ? null : process.version,
    ...(rows === undefined ? {} : { rows }),
    argv: (p, t, at) => [process.execPath, ours, `${p}`, `${t}`, `${t}`, at.relay, at.iface, ...words],
  });
  const haproxy = (name: string, more: Haproxy, rows?: readonly string[]): Candidate => ({
    name,
    version: said(['haproxy', '-v'], /version (\S+)/),
    ...(rows === undefined ? {} : { rows }),
    argv: (p, t, at) => ['haproxy', '-db', '-f', file(folder, `${name}-${p}`, haproxyFile(p, t, at, more))],
  });
  return [
    own('stream', ['stream']),
    own('native', ['native']),
    own('native, low latency', ['native', 'low-latency'], ['round trips']),
    haproxy('HAProxy', { global: '', defaults: '' }),
    haproxy('HAProxy tuned', SPLICING, ['bulk', 'round trips']),
    {
      name: 'nginx stream',
      version: said(['nginx', '-v'], /nginx\/(\S+)/),
      argv: (p, t, at) => ['nginx', '-p', folder, '-c', file(folder, `nginx-${p}`, nginx(folder, p, t, at))],
    },
    {
      name: 'socat',
      forks: true,
      version: said(['socat', '-V'], /socat version (\S+)/),
      argv: (p, t, { relay }) => [
        ...['socat', `TCP6-LISTEN:${p},bind=[${relay}],reuseaddr,fork,backlog=1024`, `TCP4:127.0.0.1:${t}`],
      ],
    },
  ];
}

/** Lines of a configuration. */
interface Haproxy {
  readonly global: string;
  readonly defaults: string;
}

/** Everything through pipes of 1 MiB, not only what it takes for bulk by itself. */
const SPLICING: Haproxy = {
  global: '  tune.pipesize 1048576\n',
  defaults: '  option splice-request\n  option splice-response\n',
};

const haproxyFile = (port: number, target: number, at: Place, more: Haproxy): string => `global
  maxconn 4096
  nbthread 1
${more.global}defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
${more.defaults}listen relay
  bind [${at.relay}]:${port}
  server target 127.0.0.1:${target}
`;

/** Where Debian's libnginx-mod-stream has it. */
const nginx = (folder: string, port: number, target: number, at: Place): string => `daemon off;
pid ${folder}/nginx-${port}.pid;
error_log stderr crit;
worker_processes 1;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 8192; }
stream { server { listen [${at.relay}]:${port}; proxy_pass 127.0.0.1:${target}; } }
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
