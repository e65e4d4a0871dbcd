import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { driversOn, HE_TUNNEL } from './he-6in4.test-support.js';
import { sweepHost } from './sweep.js';
import { FakeHost } from './testing/fake-host.js';

const tunnel = HE_TUNNEL;
const live = (): AbortSignal => new AbortController().signal;

// The kernel tells 6in4 tunnels apart by their two ends, whatever they are called (ipip6_newlink in sit.c).
describe('a 6in4 interface of ours that somebody has given another name', () => {
  it('is named as what is in the way of a new one', async () => {
    const host = await renamed();

    const error = (await driversOn(host).he_6in4.up(tunnel, live()))._unsafeUnwrapErr();

    expect(describeDriverError(error)).toContain('to which "old0" already has a tunnel from 192.0.2.10');
  });

  it('is cleared away by the next start', async () => {
    const host = await renamed();
    const drivers = driversOn(host);

    const found = (await sweepHost({ runner: host, processes: host, drivers }, [tunnel], live()))._unsafeUnwrap();

    expect(found).toEqual(['interface old0']);
    expect((await drivers.he_6in4.up(tunnel, live()))._unsafeUnwrap().link).toBe('up');
  });
});

async function renamed(): Promise<FakeHost> {
  const host = new FakeHost();
  (await driversOn(host).he_6in4.up(tunnel, live()))._unsafeUnwrap();
  const link = host.kernel.links.get('he0') ?? expect.fail('he0 is missing');
  host.kernel.links.delete('he0');
  host.kernel.links.set('old0', link);
  return host;
}
