import { type ConfigOf, type DriverSet, ROUTING_DEFAULTS } from '@hurricane/core';
import { okAsync } from 'neverthrow';
import { type IpBatch, spawnedBatch } from './ip-batch.js';
import { linuxDrivers } from './linux-host.js';
import { addBystanders } from './testing/bystanders.js';
import { type DriverSetup, describeBackendDriver } from './testing/contract.js';
import { FakeHost, type FakeHostOptions } from './testing/fake-host.js';
import { fakeConf } from './testing/fake-wireguard.js';

const base = { enabled: true, priority: 0, address: '2001:db8:1::2', prefixLength: 64 };

const he: ConfigOf<'he_6in4'> = {
  ...base,
  type: 'he_6in4',
  name: 'he',
  iface: 'he0',
  endpoint: '203.0.113.1',
  local: null,
  mtu: null,
};

/** Answers to everything that it has failed. */
const useless = (): IpBatch => ({
  run: (commands) => okAsync(commands.map(() => ({ exitCode: 2, stdout: '', stderr: 'no' }))),
  close: async () => {},
});

function on(
  hostOptions: FakeHostOptions,
  batchOn: ((host: FakeHost) => IpBatch) | null = null,
): { host: FakeHost; drivers: () => Required<DriverSet> } {
  const host = new FakeHost(hostOptions);
  addBystanders(host, ROUTING_DEFAULTS);
  const { wireguardFiles } = host;
  const batch = batchOn === null ? {} : { batch: batchOn(host) };
  const options = { routing: ROUTING_DEFAULTS, runner: host, processes: host, wireguardFiles, ...batch };
  return { host, drivers: () => linuxDrivers(options) };
}

describeBackendDriver('he_6in4 in the kernel', (): DriverSetup<'he_6in4'> => {
  const { host, drivers } = on({});
  return { host, driver: drivers().he_6in4, restarted: () => drivers().he_6in4, tunnel: he };
});

describeBackendDriver('he_6in4 in a process', (): DriverSetup<'he_6in4'> => {
  const { host, drivers } = on({ sit: false });
  return { host, driver: drivers().he_6in4, restarted: () => drivers().he_6in4, tunnel: he };
});

describeBackendDriver('he_6in4 with a co-process that does nothing', (): DriverSetup<'he_6in4'> => {
  const { host, drivers } = on({}, useless);
  return { host, driver: drivers().he_6in4, restarted: () => drivers().he_6in4, tunnel: he };
});

describeBackendDriver('he_6in4 on an interface that somebody else made', (): DriverSetup<'he_6in4'> => {
  const { host, drivers } = on({});
  const made = { kind: 'sit', up: true, remote: '203.0.113.1', local: 'any' };
  host.kernel.addLink('he0', { ...made, addresses: new Map([['2001:db8:1::2/64', []]]) });
  return { host, driver: drivers().he_6in4, restarted: () => drivers().he_6in4, tunnel: he };
});

describeBackendDriver('external', (): DriverSetup<'external'> => {
  const { host, drivers } = on({});
  return {
    host,
    driver: drivers().external,
    restarted: () => drivers().external,
    tunnel: { ...base, type: 'external', name: 'lan', iface: 'lan0', address: null, gateway: null },
  };
});

const wg = { ...base, name: 'wg', iface: 'wg0', address: null };
const quick: FakeHostOptions = { wireguard: { wg0: fakeConf(['2001:db8:2::2/64', '2001:db8:2::3/128']) } };

describeBackendDriver('wireguard', (): DriverSetup<'wireguard'> => {
  const { host, drivers } = on(quick);
  return {
    host,
    driver: drivers().wireguard,
    restarted: () => drivers().wireguard,
    tunnel: { ...wg, type: 'wireguard' },
  };
});

describeBackendDriver('wireguard with a co-process', (): DriverSetup<'wireguard'> => {
  const { host, drivers } = on(quick, spawnedBatch);
  return {
    host,
    driver: drivers().wireguard,
    restarted: () => drivers().wireguard,
    tunnel: { ...wg, type: 'wireguard' },
  };
});

describeBackendDriver('wireguard in a process', (): DriverSetup<'wireguard'> => {
  const { host, drivers } = on({ ...quick, wireguardModule: false });
  return {
    host,
    driver: drivers().wireguard,
    restarted: () => drivers().wireguard,
    tunnel: { ...wg, type: 'wireguard' },
  };
});

describeBackendDriver('wireguard that somebody else brought up', (): DriverSetup<'wireguard'> => {
  const { host, drivers } = on({});
  host.wg.bringUpByHand(host.kernel, 'wg0', ['2001:db8:2::2/128']);
  return {
    host,
    driver: drivers().wireguard,
    restarted: () => drivers().wireguard,
    tunnel: { ...wg, type: 'wireguard' },
  };
});

describeBackendDriver('mullvad', (): DriverSetup<'mullvad'> => {
  const { host, drivers } = on(quick);
  return { host, driver: drivers().mullvad, restarted: () => drivers().mullvad, tunnel: { ...wg, type: 'mullvad' } };
});
