import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { BearerToken, type ServeOptions, type ServeSocketOptions } from '@hurricane/http/node';
import { errAsync, ok, okAsync, ResultAsync } from 'neverthrow';
import { describe, expect, it, vi } from 'vitest';
import { type DaemonOptions, runDaemon } from './daemon.js';
import { EXIT } from './exit-codes.js';
import { fakeApi, fakeFile, fakeHost, fakeOutside, TWO_TUNNELS } from './fakes.test-support.js';

const OPTIONS: DaemonOptions = { configFile: '/etc/gateway.conf', debug: false, foreground: false, version: '1.2.3' };

/** With a mapping to an address that no tunnel has, so that no port is opened. */
const IN_PROXY_MODE = `${TWO_TUNNELS}
[core]
state_dir = /nonexistent
[exposure]
mode = proxy
[mapping.i2p]
protocol = udp
internal_port = 7654
v6_address = 2001:db8:77::1
`;

describe('a daemon that runs', () => {
  it('raises its tunnels, and takes everything down after SIGTERM', async () => {
    const host = fakeHost();
    const api = fakeApi();
    const outside = fakeOutside({ makeHost: () => host, serve: api.serve });

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(host.asked).toEqual(['up he', 'up wg']));
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
    expect(api.closed()).toBe(true);
    expect(host.asked.slice(2).sort()).toEqual(['close', 'down he', 'down wg']);
    expect(host.asked.at(-1)).toBe('close');
    expect(outside.log.lines).toContain('info: v6-gatewayd 1.2.3 with /etc/gateway.conf');
    expect(outside.log.lines).toContain('info: REST API listens on http://127.0.0.1:8642');
    expect(outside.log.lines).toContain('info: Stopping after SIGTERM');
    expect(outside.log.lines).toContain('info: Gateway stopped');
  });

  it('stops after SIGINT as well', async () => {
    const outside = fakeOutside();

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(outside.log.lines).toContain('info: Gateway started with 2 tunnels'));
    outside.signal('SIGINT');

    expect(await ended).toBe(EXIT.ok);
  });

  it('gives up on a tunnel that does not go down, names it, and says so in the exit code', async () => {
    const host = fakeHost(['wg']);
    const outside = fakeOutside({ makeHost: () => host });

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(host.asked).toHaveLength(2));
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.failure);
    expect(outside.log.lines.join('\n')).toMatch(/error: Not everything is stopped: gave up .* still there: wg$/m);
    expect(host.asked).toContain('close');
  });

  it('ends at once after a second signal, and says what is left', async () => {
    const host = fakeHost(['wg']);
    const outside = fakeOutside({ makeHost: () => host, limits: { api: 50, relay: 50, gateway: 20_000, host: 50 } });

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(host.asked).toHaveLength(2));
    outside.signal('SIGTERM');
    await vi.waitFor(() => expect(host.asked).toContain('down wg'));
    outside.signal('SIGINT');

    expect(await ended).toBe(EXIT.failure);
    expect(outside.log.lines.at(-1)).toBe('error: Ended at once; still there: wg');
  });

  it.each([
    ['that rejects', () => Promise.reject(new Error('boom'))],
    ['that never ends', () => new Promise<void>(() => undefined)],
  ])('ends all the same when the host has a close %s', async (_name, close) => {
    const outside = fakeOutside({ makeHost: () => ({ ...fakeHost(), close }) });

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(outside.log.lines).toContain('info: Gateway started with 2 tunnels'));
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
    expect(outside.log.lines.at(-1)).toBe('warn: The helper programs have not ended in time');
  });

  it('logs at the level of its configuration, and with -d at debug', async () => {
    const [plain, debugged] = [false, true].map((debug) => {
      const outside = fakeOutside({ readText: fakeFile(`[core]\nlog_level = warn\n${TWO_TUNNELS}`).readText });
      outside.signal('SIGTERM');
      return { outside, ended: runDaemon({ ...OPTIONS, debug }, outside) };
    });
    await plain?.ended;
    await debugged?.ended;

    expect(plain?.outside.log.level).toBe('warn');
    expect(debugged?.outside.log.level).toBe('debug');
  });

  it('says that -f changes nothing', async () => {
    const outside = fakeOutside();
    outside.signal('SIGTERM');

    await runDaemon({ ...OPTIONS, foreground: true }, outside);

    expect(outside.log.lines).toContain('debug: Staying in the foreground, as always: -f changes nothing');
  });
});

describe('exposure mode socks5', () => {
  it('is refused where another program has the port, and nothing is started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const text = `${TWO_TUNNELS}\n[exposure]\nmode = socks5\n[exposure.socks5]\nport = ${port}\n`;
    const outside = fakeOutside({ readText: fakeFile(text).readText });

    const exitCode = await runDaemon(OPTIONS, outside);
    other.close();

    expect(exitCode).toBe(EXIT.unavailable);
    expect(outside.log.lines.at(-1)).toBe(
      `error: The SOCKS5 proxy cannot listen on 127.0.0.1:${port}: another program has this port`,
    );
    expect(outside.log.lines.join('\n')).not.toContain('Gateway started');
  });
});

describe('exposure mode proxy', () => {
  it('opens the mappings of the configuration, offers them over the API, and lets go of them at the end', async () => {
    const app = handedApp();
    const outside = fakeOutside({ readText: fakeFile(IN_PROXY_MODE).readText, serve: app.serve });
    const ended = runDaemon(OPTIONS, outside);

    await vi.waitFor(async () =>
      expect(await app.get('/ports')).toMatchObject({ ports: [{ name: 'i2p', state: 'waiting' }] }),
    );
    expect(await app.get('/flows')).toEqual({ total: 0, flows: [] });
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
    expect(outside.log.lines.filter((line) => line.includes('not offered'))).toEqual([]);
  });

  it('is needed for mappings', async () => {
    const app = handedApp();
    const outside = fakeOutside({ serve: app.serve });
    const ended = runDaemon(OPTIONS, outside);

    await vi.waitFor(async () => expect(await app.get('/ports')).toMatchObject({ kind: 'ports_not_offered' }));
    expect(await app.get('/flows')).toMatchObject({ kind: 'not_offered' });
    outside.signal('SIGTERM');
    await ended;
  });
});

describe('a daemon that cannot run', () => {
  it('says how to go on without a configuration file, in one line', async () => {
    const outside = fakeOutside({ readText: fakeFile(null).readText });

    expect(await runDaemon(OPTIONS, outside)).toBe(EXIT.config);
    expect(outside.log.lines).toEqual([
      'error: There is no configuration file /etc/gateway.conf: copy the example ' +
        '(cp /etc/v6-gatewayd.conf.example /etc/gateway.conf) and edit it, name another with -c FILE, ' +
        'or look around without one: hurricane playground',
    ]);
  });

  it('tells every problem of its configuration, by line', async () => {
    const makeHost = vi.fn(() => fakeHost());
    const outside = fakeOutside({ readText: fakeFile('[core]\napi_port = 0\nlog_level = loud\n').readText, makeHost });

    expect(await runDaemon(OPTIONS, outside)).toBe(EXIT.config);
    expect(outside.log.lines[0]).toMatch(/^error: \/etc\/gateway.conf:2: core.api_port: /);
    expect(outside.log.lines[1]).toMatch(/^error: \/etc\/gateway.conf:3: core.log_level: /);
    expect(outside.log.lines.at(-1)).toBe('error: Nothing was started: mend the configuration first');
    expect(makeHost).not.toHaveBeenCalled();
  });

  it.each([
    ['without rights', { mayChangeNetwork: () => false }, EXIT.noPermission, /Not permitted .* run it as root/],
    ['without ip', { isInstalled: () => false }, EXIT.unavailable, /"ip" is not installed: apt install iproute2$/],
    [
      'when its port is taken',
      { serve: () => errAsync({ kind: 'port_in_use', address: '127.0.0.1', port: 8642, holder: null } as const) },
      EXIT.unavailable,
      /Port 8642 on 127.0.0.1 \(api_port\) is taken, perhaps by a v6-gatewayd/,
    ],
    [
      'when a known program has its port',
      {
        serve: () =>
          errAsync({
            kind: 'port_in_use',
            address: '::1',
            port: 8642,
            holder: { pid: 7, name: 'node' },
          } as const),
      },
      EXIT.unavailable,
      /Port 8642 on ::1 \(api_port\) is taken by node \(process 7\), perhaps a v6-gatewayd: two of them/,
    ],
    [
      'when somebody listens on its socket',
      {
        readText: fakeFile(`[core]\napi_socket = /run/x\n${TWO_TUNNELS}`).readText,
        serveSocket: () => errAsync({ kind: 'socket_in_use', path: '/run/x', holder: null } as const),
      },
      EXIT.unavailable,
      /The socket \/run\/x \(api_socket\) is taken, perhaps by a v6-gatewayd that runs already: two of them/,
    ],
    [
      'when it may not give its socket to a group',
      {
        readText: fakeFile(`[core]\napi_socket = /run/x\napi_socket_group = 7\n${TWO_TUNNELS}`).readText,
        serveSocket: () => errAsync({ kind: 'group_not_permitted', path: '/run/x', group: 7 } as const),
      },
      EXIT.noPermission,
      /The REST API cannot start: not permitted to give \/run\/x to group 7/,
    ],
    [
      'without the group of its socket',
      { readText: fakeFile(`[core]\napi_socket = /run/x\napi_socket_group = v6\n${TWO_TUNNELS}`).readText },
      EXIT.config,
      /There is no group v6 \(api_socket_group\) in \/etc\/group: make it/,
    ],
    [
      'without its token',
      {
        readText: fakeFile(`[core]\napi_token_file = /etc/t\n${TWO_TUNNELS}`).readText,
        readToken: () => errAsync({ kind: 'token_exposed', file: '/etc/t', mode: 0o644 } as const),
      },
      EXIT.config,
      /The token file \/etc\/t has mode 0644, so that others may read or change it: chmod 600 \/etc\/t$/,
    ],
    [
      'beyond loopback without a token',
      { readText: fakeFile(`[core]\napi_bind = 0.0.0.0\n${TWO_TUNNELS}`).readText },
      EXIT.config,
      /2: core.api_bind: "0.0.0.0" opens the API to other machines, which needs api_token_file/,
    ],
    [
      'when it may not have its port',
      { serve: () => errAsync({ kind: 'not_permitted', address: '127.0.0.1', port: 80 } as const) },
      EXIT.noPermission,
      /The REST API cannot start: not permitted to listen on port 80/,
    ],
    [
      'on a host without a driver',
      { makeHost: () => ({ ...fakeHost(), drivers: {} }) },
      EXIT.unavailable,
      /The gateway cannot start: tunnel "he" is of type external/,
    ],
  ] as const)('touches nothing and says one sentence %s', async (_name, parts, exitCode, sentence) => {
    const host = fakeHost();
    const outside = fakeOutside({ makeHost: () => host, ...parts });

    expect(await runDaemon(OPTIONS, outside)).toBe(exitCode);
    const errors = outside.log.lines.filter(
      (line) => line.startsWith('error') && !line.includes('Nothing was started'),
    );
    expect(errors).toEqual([expect.stringMatching(sentence)]);
    expect(host.asked).toEqual([]);
  });
});

describe('the API of a daemon', () => {
  const text = `[core]
api_socket = /run/x
api_socket_group = v6
api_token_file = /etc/t
api_allow_origin = https://a.example
api_trusted_hosts = a.lan
`;

  /** One daemon with everything set; `token` is what its file holds. */
  async function aDaemon(bind = '127.0.0.1', group = 'root:x:0:\nv6:x:998:me\n') {
    const file = { token: 'token-number-one-1' };
    const closed: string[] = [];
    const asked: { port?: ServeOptions; socket?: ServeSocketOptions } = {};
    const config = `${text}api_bind = ${bind}\n${TWO_TUNNELS}`;
    const outside = fakeOutside({
      readText: (name) => okAsync(name === '/etc/group' ? group : config),
      readToken: (name) =>
        BearerToken.of(file.token).match(
          (token) => okAsync(token),
          (flaw) => errAsync({ kind: 'token_unfit', file: name, flaw }),
        ),
      serve: (options) => {
        asked.port = options;
        const close = () => okAsync({ cut: closed.push('port') });
        return okAsync({ address: bind, port: 8642, url: 'http://here', close });
      },
      serveSocket: (options) => {
        asked.socket = options;
        return okAsync({ path: options.path, close: () => okAsync({ cut: closed.push('socket') }) });
      },
    });
    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(outside.log.lines).toContain('info: Gateway started with 2 tunnels'));
    const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> => {
      const request = new Request(`http://localhost${path}`, { method, headers });
      return (await asked.port?.app.fetch(request, { arrival: { address: bind, port: 80 } }))?.status ?? 0;
    };
    return { outside, ended, asked, closed, file, ask };
  }

  it('listens on both, and closes both', async () => {
    const { outside, ended, asked, closed } = await aDaemon();
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
    expect(asked.socket).toMatchObject({ path: '/run/x', group: 998 });
    expect(asked.socket?.app).toBe(asked.port?.app);
    expect(outside.log.lines).toContain('info: REST API listens on http://here');
    expect(outside.log.lines).toContain('info: REST API listens on /run/x');
    expect(closed.sort()).toEqual(['port', 'socket']);
  });

  it('knows its names, origins and token', async () => {
    const { outside, ended, ask } = await aDaemon();
    const token = { authorization: 'Bearer token-number-one-1' };

    expect(await ask('/health', { host: 'a.lan' })).toBe(200);
    expect(await ask('/health', { host: 'b.lan' })).toBe(403);
    expect(await ask('/health', { origin: 'https://a.example' })).toBe(200);
    expect(await ask('/health', {}, 'POST')).toBe(401);
    expect(await ask('/health', token, 'POST')).toBe(405);
    outside.signal('SIGTERM');
    await ended;
  });

  it('asks other machines for the token whatever they want', async () => {
    const { outside, ended, ask } = await aDaemon('0.0.0.0');

    expect(await ask('/health')).toBe(401);
    expect(await ask('/health', { authorization: 'Bearer token-number-one-1' })).toBe(200);
    outside.signal('SIGTERM');
    await ended;
  });

  it('reads its token again after SIGHUP, and keeps the old one while the new one is unfit', async () => {
    const { outside, ended, ask, file } = await aDaemon();
    const post = (token: string) => ask('/health', { authorization: `Bearer ${token}` }, 'POST');

    file.token = 'short';
    outside.signal('SIGHUP');
    await vi.waitFor(() =>
      expect(outside.log.lines.join('\n')).toMatch(/error: The token in \/etc\/t is shorter .* stays/),
    );
    expect(await post('token-number-one-1')).toBe(405);

    file.token = 'token-number-two-2';
    outside.signal('SIGHUP');
    await vi.waitFor(() => expect(outside.log.lines).toContain('info: The API token has been read again from /etc/t'));
    expect(await post('token-number-one-1')).toBe(401);
    expect(await post('token-number-two-2')).toBe(405);
    outside.signal('SIGTERM');
    await ended;
    expect(outside.log.lines.join('\n')).not.toMatch(/token-number/);
  });

  it('gives its port back when it cannot have its socket', async () => {
    const api = fakeApi();
    const outside = fakeOutside({
      readText: fakeFile(`[core]\napi_socket = /run/x\n${TWO_TUNNELS}`).readText,
      serve: api.serve,
      serveSocket: ({ path }) => errAsync({ kind: 'directory_missing', directory: path }),
    });

    expect(await runDaemon(OPTIONS, outside)).toBe(EXIT.unavailable);
    expect(api.closed()).toBe(true);
  });
});

describe('a signal during start-up', () => {
  it('ends a daemon that is still reading its file, before it has raised anything', async () => {
    const host = fakeHost();
    let arrive: (text: string) => void = () => undefined;
    const text = new Promise<string>((resolve) => {
      arrive = resolve;
    });
    const outside = fakeOutside({
      makeHost: () => host,
      readText: () => new ResultAsync(text.then((arrived) => ok(arrived))),
    });

    const ended = runDaemon(OPTIONS, outside);
    outside.signal('SIGTERM');
    arrive(TWO_TUNNELS);

    expect(await ended).toBe(EXIT.ok);
    expect(host.asked).toEqual(['close']);
  });

  it('ends a daemon at once that hangs in its start, when it comes twice', async () => {
    const outside = fakeOutside({ readText: () => new ResultAsync(new Promise(() => undefined)) });

    const ended = runDaemon(OPTIONS, outside);
    outside.signal('SIGTERM');
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.failure);
    expect(outside.log.lines).toEqual(['warn: Ended at once; nothing is left']);
  });

  it('reloads once started, when it was SIGHUP', async () => {
    const readText = vi.fn(() => okAsync(TWO_TUNNELS));
    const outside = fakeOutside({ readText });
    outside.signal('SIGHUP');

    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(readText).toHaveBeenCalledTimes(2));
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
  });
});

describe('SIGHUP', () => {
  it('takes on what has changed', async () => {
    const file = fakeFile(TWO_TUNNELS);
    const host = fakeHost();
    const outside = fakeOutside({ readText: file.readText, makeHost: () => host });
    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(host.asked).toEqual(['up he', 'up wg']));

    file.text = TWO_TUNNELS.replace('iface = wg0', 'iface = wg0\nenabled = false');
    outside.signal('SIGHUP');
    await vi.waitFor(() => expect(host.asked).toContain('down wg'));
    outside.signal('SIGTERM');

    expect(await ended).toBe(EXIT.ok);
    expect(outside.log.lines).toContain('info: Configuration reloaded: 0 added, 0 removed, 1 changed');
  });

  it('changes nothing when the file has mistakes, and tells them', async () => {
    const file = fakeFile(TWO_TUNNELS);
    const host = fakeHost();
    const outside = fakeOutside({ readText: file.readText, makeHost: () => host });
    const ended = runDaemon(OPTIONS, outside);
    await vi.waitFor(() => expect(host.asked).toEqual(['up he', 'up wg']));

    file.text = '[tunnel.he]\ntype = carrier_pigeon\n';
    outside.signal('SIGHUP');
    await vi.waitFor(() => expect(outside.log.lines.join('\n')).toContain('goes on with the one it has'));

    expect(outside.log.lines.join('\n')).toMatch(/error: \/etc\/gateway.conf:2: tunnel.he.type: "carrier_pigeon"/);
    expect(host.asked).toEqual(['up he', 'up wg']);
    outside.signal('SIGTERM');
    expect(await ended).toBe(EXIT.ok);
  });
});

/** An API that is asked in process. */
function handedApp() {
  const api = fakeApi();
  let app: ServeOptions['app'] | null = null;
  return {
    serve: (options: ServeOptions) => {
      app = options.app;
      return api.serve(options);
    },
    get: async (path: string): Promise<unknown> =>
      (await app?.fetch(new Request(`http://127.0.0.1:8642${path}`), {}))?.json(),
  };
}
