import { PROTOCOL } from './ip.js';
import { spawnedBatch } from './ip-batch.js';
import { linuxRouteTable } from './route-table.js';
import { FakeHost } from './testing/fake-host.js';
import { describeRouteTable } from './testing/route-table-contract.js';

const METRIC = 2_048;

describeRouteTable('the Linux route table', () => {
  const host = new FakeHost();
  for (const name of ['he0', 'wg0', 'eth1']) host.kernel.addLink(name, { up: true });
  const routes = linuxRouteTable({ runner: host, batch: spawnedBatch(host), metric: METRIC });
  return { host, routes, metric: METRIC, protocol: PROTOCOL };
});
