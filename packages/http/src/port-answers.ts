import {
  type PortError,
  type PortMappings,
  type PortProtocol,
  parseIpv6,
  portDocument,
  probeDocument,
  unaskedProbe,
} from '@hurricane/core';
import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { InputOf, PortBody } from './api.js';
import type { MappedDocument, PortDocument, PortsDocument, ProbeDocument } from './documents.js';
import type { ApiProblem } from './problems.js';
import type { Sources } from './sources.js';

export function listPorts(sources: Sources): ResultAsync<PortsDocument, ApiProblem> {
  return mappingsOf(sources)
    .asyncAndThen((mappings) => mappings.list().mapErr(problemOf))
    .map((ports) => ({ ports: ports.map(portDocument) }));
}

export function mapPort(
  protocol: PortProtocol,
  body: PortBody,
  sources: Sources,
): ResultAsync<MappedDocument, ApiProblem> {
  const address = addressIn(body.v6_address);
  if (address.isErr()) return errAsync(address.error);
  const request = {
    protocol,
    internalPort: body.internal_port,
    externalPort: body.external_port,
    v6Address: address.value,
    ...(body.direction === undefined ? {} : { direction: body.direction }),
    ...(body.target === undefined ? {} : { target: body.target }),
    ...(body.description === undefined ? {} : { description: body.description }),
  };
  return mappingsOf(sources)
    .asyncAndThen((mappings) => mappings.map(request).mapErr(problemOf))
    .map((mapping) => ({ status: 'ok', ...portDocument(mapping) }));
}

export function unmapPort(input: InputOf<'unmapPort'>, sources: Sources): ResultAsync<PortDocument, ApiProblem> {
  return mappingsOf(sources)
    .asyncAndThen((mappings) => mappings.unmap(input.protocol, input.external_port).mapErr(problemOf))
    .map(portDocument);
}

/** Answers in every mode, as the seed does: without somebody who can look, what is known is that nothing is. */
export function probePort(
  protocol: PortProtocol,
  port: number,
  sources: Sources,
): ResultAsync<ProbeDocument, ApiProblem> {
  const mappings = mappingsOf(sources);
  if (mappings.isErr()) return okAsync(unaskedProbe(protocol, port));
  return mappings.value
    .probe(protocol, port)
    .mapErr(problemOf)
    .map((probe) => probeDocument(port, probe));
}

function mappingsOf({ gateway, ports }: Sources): Result<PortMappings, ApiProblem> {
  const { mode } = gateway.status().config.exposure;
  return ports === undefined || mode !== 'proxy' ? err({ kind: 'ports_not_offered', mode }) : ok(ports);
}

function addressIn(text: string): Result<string, ApiProblem> {
  if (text === 'auto') return ok(text);
  return parseIpv6(text).mapErr((wrong) => ({
    kind: 'bad_body',
    faults: [{ field: '/v6_address', detail: `"v6_address" ${wrong}.` }],
  }));
}

function problemOf(error: PortError): ApiProblem {
  switch (error.kind) {
    case 'port_taken':
      return { kind: error.kind, field: `/${error.side}_port`, port: error.port, holder: error.holder };
    case 'port_reserved':
      return { kind: error.kind, field: `/${error.side}_port`, port: error.port };
    case 'not_permitted':
      return { kind: 'port_not_permitted', field: '/external_port', port: error.port };
    case 'unknown_mapping':
      return { kind: 'unknown_mapping', protocol: error.protocol, port: error.externalPort };
    case 'failed':
      return { kind: 'port_failed', code: error.code };
    case 'address_not_ours':
    case 'no_address':
    case 'bad_target':
    case 'mapping_configured':
    case 'too_many_mappings':
      return error;
  }
}
