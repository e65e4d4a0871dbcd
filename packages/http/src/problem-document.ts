import type { ApiProblem } from './problems.js';

/** One fault in what a client sent. */
export interface FaultDocument {
  /** JSON pointer (RFC 6901) into the body, or `/name` of a parameter or header field. */
  readonly field: string;
  readonly detail: string;
}

/** The body of an `application/problem+json` answer (RFC 9457), with `kind` for programs to branch on. */
export interface ProblemDocument {
  /** `urn:hurricane:problem:` and the kind. The reference page explains each. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One or two sentences: what is wrong, and what would be right. */
  readonly detail: string;
  readonly kind: ApiProblem['kind'];
  /** Where the fault is, when it is in one place of the request. */
  readonly in?: 'path' | 'query' | 'header' | 'body';
  /** What is at fault there: a JSON pointer (RFC 6901) into the body, or `/name` of a parameter or header field. */
  readonly field?: string;
  /** With more than one fault: all of them, the first one being `field`. */
  readonly errors?: readonly FaultDocument[];
  /** With `not_found`: the paths that exist. */
  readonly endpoints?: readonly string[];
  /** With `unknown_tunnel`: the tunnels there are, and the one that was probably meant. */
  readonly tunnels?: readonly string[];
  readonly nearest?: string | null;
  /** With `address_not_ours`: the addresses that could be given. */
  readonly addresses?: readonly string[];
  /** With `not_ready`: why. */
  readonly reasons?: readonly string[];
}
