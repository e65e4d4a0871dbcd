import { type Config, parseConfig } from '@hurricane/core';
import { err, ok, okAsync, ResultAsync } from 'neverthrow';
import { describe, expect, it, vi } from 'vitest';
import { fakeFile, rememberedLog, TWO_TUNNELS } from './fakes.test-support.js';
import { adopt } from './fixed-settings.js';
import { Reloader, type ReloaderOptions } from './reloader.js';

const configOf = (text: string): Config => parseConfig(text)._unsafeUnwrap();

describe('a running daemon', () => {
  it.each([
    ['[core]\napi_port = 9000', ['core.api_port']],
    ['[core]\napi_bind = ::1', ['core.api_bind']],
    ['[core]\napi_socket = /run/x\napi_socket_group = 7', ['core.api_socket', 'core.api_socket_group']],
    ['[core]\napi_token_file = /t', ['core.api_token_file']],
    ['[core]\napi_allow_origin = http://a', ['core.api_allow_origin']],
    ['[core]\napi_trusted_hosts = a b', ['core.api_trusted_hosts']],
    ['[core]\nstate_dir = /var/lib/other', ['core.state_dir']],
    ['[exposure]\nmode = proxy', ['exposure.mode']],
    ['[relay]\nmax_flows = 7\nmax_flows_per_client = 3', ['relay.max_flows', 'relay.max_flows_per_client']],
    ['[relay]\nengine = stream', ['relay.engine']],
    ['[relay]\nlow_latency = yes', ['relay.low_latency']],
    ['[health]\nmethod = tcp\nport = 443', ['health.method', 'health.port']],
    [
      '[routing]\nmetric = 7\ntable_base = 500\nrule_base = 600',
      ['routing.metric', 'routing.table_base', 'routing.rule_base'],
    ],
    ['[core]\nlog_level = debug\n[health]\nprobe_interval = 1s\n[failover]\ntake_at_least = 60', []],
  ])('keeps what is read at the start only: %j', (text, waiting) => {
    const running = configOf(TWO_TUNNELS);
    const next = configOf(`${text}\n${TWO_TUNNELS}`);

    const adoption = adopt(running, next);

    expect(adoption.waiting).toEqual(waiting);
    expect(adopt(running, adoption.config).waiting).toEqual([]);
    expect(adoption.config.failover).toEqual(next.failover);
    expect(adoption.config.health.interval).toEqual(next.health.interval);
    expect(adoption.config.core.logLevel).toBe(next.core.logLevel);
  });
});

describe('a reload', () => {
  it('hands over what can be taken on, and names in one warning what has to wait', async () => {
    const { reloader, options, log } = aReloader(
      `[core]\napi_port = 9000\nlog_level = warn\n[routing]\nmetric = 7\n${TWO_TUNNELS}`,
    );

    await reloader.reload();

    const config = vi.mocked(options.gateway.reload).mock.calls[0]?.[0];
    expect(config?.core.apiPort).toBe(8642);
    expect(options.onConfig).toHaveBeenCalledWith(config);
    expect(config?.core.logLevel).toBe('warn');
    expect(log.level).toBe('warn');
    expect(log.lines).toEqual(['warn: Changes to core.api_port, routing.metric take effect at the next start']);
  });

  it('leaves the level of -d alone', async () => {
    const { reloader, log } = aReloader(`[core]\nlog_level = error\n${TWO_TUNNELS}`, { debug: true });

    await reloader.reload();

    expect(log.level).toBe(null);
  });

  it.each([
    ['is gone', null, /^error: There is no configuration file \/etc\/gateway.conf$/],
    ['has mistakes', 'nonsense', /^error: \/etc\/gateway.conf:1: /],
  ])('of a file that %s changes nothing', async (_what, text, problem) => {
    const { reloader, options, log } = aReloader(text);

    await reloader.reload();

    expect(options.rereadToken).toHaveBeenCalledOnce();
    expect(options.gateway.reload).not.toHaveBeenCalled();
    expect(log.lines[0]).toMatch(problem);
    expect(log.lines.at(-1)).toBe('error: The configuration is not reloaded: the gateway goes on with the one it has');
  });

  it('that the gateway refuses changes nothing', async () => {
    const reload = vi.fn(() => err({ kind: 'no_driver', tunnel: 'x', type: 'wireguard' } as const));
    const { reloader, log } = aReloader(`[core]\nlog_level = error\n${TWO_TUNNELS}`, { gateway: { reload } });

    await reloader.reload();

    expect(log.lines).toEqual([
      'error: The configuration is not reloaded: tunnel "x" is of type wireguard, which this host cannot run',
    ]);
    expect(log.level).toBe(null);
  });

  it('asked for many times over reads the file twice: now, and once more for what came since', async () => {
    const readText = vi.fn(() => new ResultAsync(Promise.resolve(ok(TWO_TUNNELS))));
    const { reloader } = aReloader('', { readText });

    await Promise.all([reloader.reload(), reloader.reload(), reloader.reload(), reloader.reload()]);
    expect(readText).toHaveBeenCalledTimes(2);

    await reloader.reload();
    expect(readText).toHaveBeenCalledTimes(3);
  });

  it('takes nothing on once the daemon is stopping', async () => {
    const stop = new AbortController();
    const readText = () => {
      stop.abort();
      return okAsync(TWO_TUNNELS);
    };
    const { reloader, options } = aReloader('', { readText, stop: stop.signal });

    await reloader.reload();

    expect(options.gateway.reload).not.toHaveBeenCalled();
  });
});

function aReloader(text: string | null, parts: Partial<ReloaderOptions> = {}) {
  const log = rememberedLog();
  const options: ReloaderOptions = {
    file: '/etc/gateway.conf',
    readText: fakeFile(text).readText,
    gateway: { reload: vi.fn(() => ok(undefined)) },
    started: configOf(TWO_TUNNELS),
    debug: false,
    rereadToken: vi.fn(async () => undefined),
    onConfig: vi.fn(async () => undefined),
    stop: new AbortController().signal,
    log,
    ...parts,
  };
  return { reloader: new Reloader(options), options, log };
}
