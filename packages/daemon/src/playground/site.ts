import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { ECHO_PORT, INTERNET, WEB_PORT } from './topology.js';

/**
 * The simulated Internet: a page that shows visitors their address, and an echo that answers each
 * datagram with where it came from. Runs until its standard input ends.
 */
export async function serveSite(stdin: NodeJS.ReadableStream): Promise<number> {
  const web = createServer((request, response) => {
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(`Hello, ${request.socket.remoteAddress}. This is the simulated IPv6 Internet.\n`);
  });
  const echo = createSocket('udp6');
  // An answer that cannot be sent is a lost datagram, as on any network.
  echo.on('message', (_message, { address, port }) => echo.send(address, port, address, () => undefined));
  web.listen({ host: '::', port: WEB_PORT });
  // By name, so that answers come from the address that was asked.
  echo.bind({ address: INTERNET[0], port: ECHO_PORT });
  stdin.resume();
  await once(stdin, 'end');
  echo.close();
  web.closeAllConnections();
  web.close();
  return 0;
}
