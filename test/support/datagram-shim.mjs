// Gives a program that knows no SOCKS5 a port of 127.0.0.1 whose datagrams go to one place through UDP ASSOCIATE:
// node datagram-shim.mjs PROXY_PORT TARGET_IPV6 TARGET_PORT
// The program that spoke last is answered. Says its port on standard output.
import { createSocket } from 'node:dgram';
import { associateBy } from './socks5-client.mjs';

const [proxyPort, target, targetPort] = process.argv.slice(2);
const far = await associateBy(Number(proxyPort), target, Number(targetPort));
far.control.on('close', () => process.exit(1));

const near = createSocket('udp4');
let program = null;
near.on('message', (bytes, from) => {
  program = from;
  far.send(bytes);
});
far.socket.on('message', (bytes) => {
  if (program !== null) near.send(far.payloadOf(bytes), program.port, program.address);
});
near.bind(0, '127.0.0.1', () => console.log(`listening on port ${near.address().port}`));
