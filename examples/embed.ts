import { readFileSync } from 'node:fs';
import { autoProber, linuxHost } from '@hurricane/backends';
import { addressesView, describeConfigProblem, describeGatewayError, Gateway, parseConfig } from '@hurricane/core';

const FILE = '/etc/v6-gatewayd.conf';

const config = parseConfig(readFileSync(FILE, 'utf8')).match(
  (parsed) => parsed,
  (problems) => {
    for (const problem of problems) console.error(describeConfigProblem(FILE, problem));
    process.exit(78);
  },
);

const host = linuxHost({ routing: config.routing, prober: autoProber(config.health) });
const gateway = Gateway.create({ config, host }).match(
  (created) => created,
  (error) => {
    console.error(describeGatewayError(error));
    process.exit(1);
  },
);

gateway.on('failed_over', ({ to }) => console.log(`traffic moved to ${to}`));
gateway.start();

const primary = await gateway.ready(10_000);
console.log(primary.isOk() ? `bind to ${addressesView(gateway.status()).addresses[0]?.address}` : 'no tunnel yet');

process.once('SIGTERM', async () => {
  await gateway.stop();
  await host.close?.();
});
