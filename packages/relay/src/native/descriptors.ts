import { ADDRESS_AT, type Arena, CONTROL_AT, LENGTH_AT, OPTION_AT } from './arena.js';
import { EPOLL_CTL_ADD, EPOLL_CTL_MOD, SO_LINGER, SOL_SOCKET, type Sys } from './sys.js';

/** Somebody who is told when a descriptor of theirs is ready. */
export interface Watcher {
  /** `events`: what epoll_wait(2) said of it. */
  ready(events: number): void;
}

/**
 * Every descriptor of a loop but those of its pipes, each with the one who owns it.
 *
 * Between two of them that have the same number one after the other, a mark tells which one an event is for.
 */
export class Descriptors {
  readonly sys: Sys;
  readonly arena: Arena;
  readonly #epoll: number;
  readonly #watchers: (Watcher | undefined)[] = [];
  readonly #marks: number[] = [];
  #lastMark = 0;

  constructor(sys: Sys, arena: Arena, epoll: number) {
    this.sys = sys;
    this.arena = arena;
    this.#epoll = epoll;
  }

  /** Answers as epoll_ctl(2). Failed: the descriptor is still whose it was. */
  watch(fd: number, events: number, watcher: Watcher): number {
    this.#lastMark = (this.#lastMark + 1) >>> 0;
    this.arena.setInterest(events, fd, this.#lastMark);
    const done = this.sys.epollCtl(this.#epoll, EPOLL_CTL_ADD, fd, CONTROL_AT);
    if (done < 0) return done;
    this.#watchers[fd] = watcher;
    this.#marks[fd] = this.#lastMark;
    return done;
  }

  /** Other events of one that is watched; 0: none but errors. */
  change(fd: number, events: number): number {
    this.arena.setInterest(events, fd, this.#marks[fd] ?? 0);
    return this.sys.epollCtl(this.#epoll, EPOLL_CTL_MOD, fd, CONTROL_AT);
  }

  /** Whom an event is for; undefined: it was for one that is closed. */
  watcherOf(fd: number, mark: number): Watcher | undefined {
    return this.#marks[fd] === mark ? this.#watchers[fd] : undefined;
  }

  /** close(2) takes it out of the epoll set too: there is no other descriptor for the same file. */
  close(fd: number): void {
    this.#watchers[fd] = undefined;
    this.sys.close(fd);
  }

  /** Closes with a RST in place of a FIN (socket(7), SO_LINGER on, for 0 s). */
  reset(fd: number): void {
    this.arena.setInt(OPTION_AT, 1);
    this.arena.setInt(OPTION_AT + 4, 0);
    this.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, OPTION_AT, 8);
    this.close(fd);
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    this.arena.setInt(OPTION_AT, value);
    return this.sys.setsockopt(fd, level, name, OPTION_AT, 4);
  }

  /** The value of an option that is an int, or the negated errno of asking. */
  option(fd: number, level: number, name: number): number {
    this.arena.setInt(LENGTH_AT, 4);
    const asked = this.sys.getsockopt(fd, level, name, OPTION_AT, LENGTH_AT);
    return asked < 0 ? asked : this.arena.int(OPTION_AT);
  }

  /** Puts an address where calls find it. Answers with its length. */
  address(bytes: Uint8Array): number {
    this.arena.bytes.set(bytes, ADDRESS_AT);
    return bytes.length;
  }
}
