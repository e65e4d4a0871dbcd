import type { PortDocument, PortsDocument } from '@hurricane/core';

export function portsText({ ports }: PortsDocument): string {
  return ports.length === 0 ? 'There are no port mappings.' : ports.map(portText).join('\n');
}

export function portText(port: PortDocument): string {
  const here = `127.0.0.1:${port.internal_port}`;
  const there = `[${port.v6_address}]:${port.external_port}`;
  const way = port.direction === 'in' ? `${there} -> ${here}` : `${here} -> ${port.target ?? there}`;
  return `${port.protocol}  ${way}${port.description === null ? '' : `  ${port.description}`}`;
}
