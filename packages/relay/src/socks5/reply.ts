import type { DialError } from '../names/dial.js';
import type { NameError } from '../names/resolver.js';
import type { Failure, RequestFault } from './codec.js';

// Which REP (RFC 1928 section 6) tells a client what went wrong.

export function replyToFault(fault: RequestFault): Failure {
  switch (fault) {
    case 'unknown_command':
      return 'command_not_supported';
    case 'unknown_address_type':
      return 'address_type_not_supported';
    case 'wrong_version':
    case 'reserved_not_zero':
    case 'empty_name':
    case 'port_zero':
      return 'general_failure';
  }
}

export function replyToDialError(error: DialError): Failure {
  switch (error.kind) {
    case 'denied':
      return 'not_allowed';
    case 'refused':
      return 'refused';
    case 'no_source':
    case 'network_unreachable':
      return 'network_unreachable';
    case 'host_unreachable':
    case 'timed_out':
      return 'host_unreachable';
    case 'aborted':
    case 'failed':
      return 'general_failure';
    case 'name':
      return replyToNameError(error.error);
  }
}

export function replyToNameError(error: NameError): Failure {
  switch (error.kind) {
    case 'not_found':
    case 'no_addresses':
    case 'timed_out':
      return 'host_unreachable';
    case 'not_a_name':
    case 'busy':
    case 'aborted':
    case 'failed':
      return 'general_failure';
  }
}
