import { describe, expect, it } from 'vitest';
import { failed, inspected, lowered, measured, raised, stirred } from './answers.js';
import { ABSENT, type LinkReading } from './facts.js';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import { LOOK_INTERVAL, newTunnel, type Tunnel } from './tunnel.js';

const config = simulatedConfig({ tunnels: [] });
const reading: LinkReading = { ...ABSENT, link: 'up', address: '2001:db8::2', prefixLength: 64 };
const up: Tunnel = {
  ...newTunnel(simulatedTunnel('he')),
  state: { kind: 'up', since: 0 },
  look: { kind: 'busy', deadline: 15_000, again: false },
  reading,
};

describe('answers about an interface', () => {
  it('count only in the state that asked for them', () => {
    expect(raised(up, reading, 5)).toBe(up);
    expect(lowered(up)).toBe(up);
    expect(inspected({ ...up, look: { kind: 'idle', nextAt: 9 } }, ABSENT, 5, config).state.kind).toBe('up');
  });

  it.each<[string, LinkReading, object]>([
    ['absent', ABSENT, { kind: 'interface_missing', iface: 'he0' }],
    ['down', { ...reading, link: 'down' }, { kind: 'interface_missing', iface: 'he0' }],
    ['without its address', { ...reading, address: null }, { kind: 'misconfigured', setting: 'address' }],
  ])('make a tunnel fail whose interface is %s', (_what, found, fault) => {
    expect(inspected(up, found, 5, config).state).toMatchObject({ kind: 'failed', fault, attempt: 1, retryAt: 1_005 });
  });

  it('do not blame one for an address that it never had', () => {
    const bare = { ...reading, address: null };

    expect(inspected({ ...up, reading: bare }, bare, 5, config).state.kind).toBe('up');
  });

  it('are asked for again at once when something changed meanwhile', () => {
    expect(inspected(up, reading, 5, config).look).toEqual({ kind: 'idle', nextAt: 5 + LOOK_INTERVAL });
    expect(inspected(stirred(up, 4, config), reading, 5, config).look).toEqual({ kind: 'idle', nextAt: 5 });
  });

  it('tell an interface made anew by counters that went back', () => {
    const busy = measured(up, { rx: 100n, tx: 100n }, 5, config);

    expect(measured(busy, { rx: 100n, tx: 100n }, 6, config).state.kind).toBe('up');
    expect(measured(busy, { rx: 99n, tx: 100n }, 6, config).state.kind).toBe('failed');
    expect(measured(busy, { rx: 200n, tx: 0n }, 6, config).state.kind).toBe('failed');
  });

  it('remember whether it was lowering that failed', () => {
    const fault = { kind: 'aborted' } as const;
    const stopping = { ...up, state: { kind: 'stopping', deadline: 9, attempt: 3 } } as const;

    expect(failed(stopping, fault, 5, config).state).toMatchObject({ lowering: true, attempt: 3, retryAt: 4_005 });
    expect(failed(up, fault, 5, config).state).toMatchObject({ lowering: false, attempt: 1 });
  });
});

describe('a stir about the interface of a failed tunnel', () => {
  const missing = failed(
    { ...up, state: { kind: 'starting', deadline: 9, attempt: 9, calledOff: false } },
    { kind: 'interface_missing', iface: 'he0' },
    5,
    config,
  );

  it('brings its next try forward when it failed for want of it', () => {
    expect(missing.state).toMatchObject({ retryAt: 60_005 });
    expect(stirred(missing, 10, config).state).toMatchObject({ retryAt: 1_010 });
  });

  it('and leaves it alone when it failed for something else', () => {
    const other = failed(up, { kind: 'aborted' }, 5, config);

    expect(stirred(other, 10, config)).toBe(other);
  });
});
