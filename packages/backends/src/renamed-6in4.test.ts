import { type BackendDriver, describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { driversOn, HE_TUNNEL } from './he-6in4.test-support.js';
import { sweepHost } from './sweep.js';
import { FakeHost } from './testing/fake-host.js';

const tunnel = HE_TUNNEL;
const live = (): AbortSignal => new AbortController().signal;

// The kernel tells 6in4 tunnels apart by their two ends, whatever they are called (ipip6_newlink in sit.c).
describe('a 6in4 interface of ours that somebody has given another name', () => {
  it('is made anew under its own by the gateway that made it', async () => {
    const host = new FakeHost();
    const { he_6in4 } = driversOn(host);
    await rename(host, he_6in4);

    expect((await he_6in4.up(tunnel, live()))._unsafeUnwrap().link).toBe('up');

    expect([...host.kernel.links.keys()]).not.toContain('old0');
  });

  it('is not left behind when the one made anew leaves from another address', async () => {
    const host = new FakeHost();
    const { he_6in4 } = driversOn(host);
    await rename(host, he_6in4);

    (await he_6in4.up({ ...tunnel, local: '192.0.2.99' }, live()))._unsafeUnwrap();

    expect([...host.kernel.links.keys()]).not.toContain('old0');
  });

  it('goes with its tunnel', async () => {
    const host = new FakeHost();
    const { he_6in4 } = driversOn(host);
    await rename(host, he_6in4);

    (await he_6in4.down(tunnel, live()))._unsafeUnwrap();

    expect([...host.kernel.links.keys()]).not.toContain('old0');
  });

  it('is left alone when it has become somebody else’s', async () => {
    const host = new FakeHost();
    const { he_6in4 } = driversOn(host);
    await rename(host, he_6in4);
    Object.assign(host.kernel.links.get('old0') ?? {}, { alias: 'uplink of the neighbours' });

    expect((await he_6in4.up(tunnel, live())).isErr()).toBe(true);
    (await he_6in4.down(tunnel, live()))._unsafeUnwrap();

    expect([...host.kernel.links.keys()]).toContain('old0');
  });

  it('is named as what is in the way of a new one, to a gateway that does not know it', async () => {
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
  await rename(host, driversOn(host).he_6in4);
  return host;
}

async function rename(host: FakeHost, driver: BackendDriver<'he_6in4'>): Promise<void> {
  (await driver.up(tunnel, live()))._unsafeUnwrap();
  host.kernel.renameLink('he0', 'old0');
}
