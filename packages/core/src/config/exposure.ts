import { addressKind } from '../address.js';
import { EXPOSURE_DEFAULTS } from './defaults.js';
import { type Findings, NOWHERE, problemAt } from './findings.js';
import type { ExposureConfig } from './model.js';
import type { Reading } from './setting.js';
import type { ExposureValues } from './settings.js';

/** Puts together how applications get at IPv6. */
export function toExposure(reading: Reading<ExposureValues>, findings: Findings): ExposureConfig {
  const { values, places } = reading;
  const { mode, socksListen, socksPort, udpBasePort, tcpBasePort } = values;
  if (socksPort !== null && socksListen.port !== null && socksPort !== socksListen.port)
    findings.problems.push(
      problemAt(
        places.socksPort ?? NOWHERE,
        `"${socksPort}" contradicts the port ${socksListen.port} in bind: keep one of them`,
      ),
    );
  const enabled = values.socksEnabled || mode === 'socks5';
  if (enabled) checkOpenness(reading, findings);
  return {
    mode,
    socks5: {
      enabled,
      bind: socksListen.address,
      port: socksPort ?? socksListen.port ?? EXPOSURE_DEFAULTS.socks5.port,
      usersFile: values.socksUsersFile,
      allowClients: values.socksAllowClients,
      allowDestinations: values.socksAllowDestinations,
      denyDestinations: values.socksDenyDestinations,
      ipv4: values.socksIpv4,
      raceTunnels: values.socksRaceTunnels,
      resolver: values.socksResolver,
    },
    proxy: { udpBasePort, tcpBasePort },
  };
}

/** A proxy that serves everybody is found within hours, and what strangers do through it is told of its owner. */
function checkOpenness({ values, places, unread }: Reading<ExposureValues>, findings: Findings): void {
  const { socksListen, socksUsersFile, socksAllowClients } = values;
  const { address } = socksListen;
  if (addressKind(address) === 'loopback' || unread.has('socksUsersFile') || unread.has('socksAllowClients')) return;
  const place = places.socksListen ?? NOWHERE;
  if (socksUsersFile !== null) {
    const problem = `"${address}" makes the proxy usable from other machines, and passwords travel there in plain text: keep to a network you trust`;
    findings.warnings.push(problemAt(place, problem));
    return;
  }
  if (socksAllowClients.length === 0) {
    const problem = `"${address}" opens the proxy to other machines, which needs users_file or allow_clients: say who may use it, or keep it on 127.0.0.1`;
    findings.problems.push(problemAt(place, problem));
  } else if (socksAllowClients.some(({ length }) => length === 0)) {
    const problem = 'it lets everybody use the proxy: name the networks of its users, or set users_file';
    findings.problems.push(problemAt(places.socksAllowClients ?? place, problem));
  }
}
