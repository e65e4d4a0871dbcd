import { createSocket } from 'node:dgram';
import type { Millis } from '@hurricane/core';
import type { Report } from './reports.js';
import { Sightings } from './sightings.js';
import { ECHO_PORT, INTERNET } from './topology.js';

/** Between two datagrams, and so how finely interruptions are measured. */
const INTERVAL: Millis = 20;

/**
 * An application that knows nothing of tunnels: it sends datagrams to the Internet by the kernel's
 * default route, and reports whenever the Internet sees it at another address.
 */
export function startTraffic(report: (report: Report) => void): { stop(): void } {
  const socket = createSocket('udp6');
  const sightings = new Sightings(report);
  socket.on('message', (message) => sightings.answered(message.toString('utf8')));
  // "Network is unreachable" while no tunnel carries the route: the silence says it.
  socket.on('error', () => undefined);
  const timer = setInterval(() => socket.send('?', ECHO_PORT, INTERNET[0], () => undefined), INTERVAL);
  return {
    stop: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}
