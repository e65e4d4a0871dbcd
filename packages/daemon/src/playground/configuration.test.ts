import { describe, expect, it } from 'vitest';
import { configurationText, FAILBACK_SECONDS, readConfiguration } from './configuration.js';
import { ENCAPSULATIONS } from './options.js';
import { INTERNET } from './topology.js';

describe('the configuration of a playground', () => {
  it.each(ENCAPSULATIONS)('is one that the gateway accepts without a word, with %s', (encapsulation) => {
    const text = configurationText({ encapsulation, port: 8643, stateFolder: '/run/state' });

    const config = readConfiguration(text, 'playground.conf')._unsafeUnwrap();

    expect(config.warnings).toEqual([]);
    expect(config.core).toMatchObject({ apiBind: '127.0.0.1', apiPort: 8643, stateDir: '/run/state' });
    expect(config.tunnels.map(({ name, priority, address }) => [name, priority, address])).toEqual([
      ['north', 0, '2001:db8:1::2'],
      ['south', 1, '2001:db8:2::2'],
    ]);
    expect(config.tunnels[0]?.type).toBe(encapsulation === 'veth' ? 'external' : 'he_6in4');
    expect(config.health.targets).toEqual(INTERNET);
    expect(config.failover.failbackAfter).toBe(FAILBACK_SECONDS * 1_000);
  });

  it('names every mistake, should it ever have one', () => {
    const read = readConfiguration('[core]\napi_port = none\n', 'playground.conf')._unsafeUnwrapErr();

    expect(read).toMatchObject({ kind: 'bad_configuration' });
    expect(JSON.stringify(read)).toContain('playground.conf:2');
  });
});
