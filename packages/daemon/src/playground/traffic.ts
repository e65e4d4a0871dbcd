import { createSocket } from 'node:dgram';
import type { Millis } from '@hurricane/core';
import { type Report, uptime } from './reports.js';
import { ECHO_PORT, INTERNET } from './topology.js';

/** Between two datagrams, and so how finely interruptions are measured. */
const INTERVAL: Millis = 20;

/** A silence worth telling even when traffic comes back from the same address. */
const NOTABLE_SILENCE: Millis = 500;

/**
 * An application that knows nothing of tunnels: it sends datagrams to the Internet by the kernel's
 * default route, and reports whenever the Internet sees it at another address.
 */
export function startTraffic(report: (report: Report) => void): { stop(): void } {
  const socket = createSocket('udp6');
  let source: string | null = null;
  let lastAnswer = uptime();
  socket.on('message', (message) => {
    const seen = message.toString('utf8');
    const at = uptime();
    const silence = at - lastAnswer;
    lastAnswer = at;
    if (seen === source && silence < NOTABLE_SILENCE) return;
    source = seen;
    report({ kind: 'traffic', source: seen, silence, at });
  });
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
