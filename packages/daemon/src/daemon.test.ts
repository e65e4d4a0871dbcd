import { errAsync, ok, okAsync, ResultAsync } from 'neverthrow';
import { describe, expect, it, vi } from 'vitest';
import { type DaemonOptions, runDaemon } from './daemon.js';
import { EXIT } from './exit-codes.js';
import { fakeApi, fakeFile, fakeHost, fakeOutside, TWO_TUNNELS } from './fakes.test-support.js';

const OPTIONS: DaemonOptions = { configFile: '/etc/gateway.conf', debug: false, foreground: false, version: '1.2.3' };

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
    const outside = fakeOutside({ makeHost: () => host, limits: { api: 50, gateway: 20_000, host: 50 } });

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

  it('says that -f changes nothing, and warns of exposure modes it has not', async () => {
    const text = `${TWO_TUNNELS}\n[exposure]\nmode = socks5\n`;
    const outside = fakeOutside({ readText: fakeFile(text).readText });
    outside.signal('SIGTERM');

    await runDaemon({ ...OPTIONS, foreground: true }, outside);

    expect(outside.log.lines).toContain('debug: Staying in the foreground, as always: -f changes nothing');
    expect(outside.log.lines.join('\n')).toContain('warn: exposure.mode socks5 is not offered');
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
    expect(outside.log.lines.filter((line) => line.startsWith('error'))).toEqual([expect.stringMatching(sentence)]);
    expect(host.asked).toEqual([]);
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
