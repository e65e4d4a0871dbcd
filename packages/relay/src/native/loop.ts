import type { Endpoint } from '../contracts.js';
import { Arena, COUNTER_AT } from './arena.js';
import { Datagrams } from './datagrams.js';
import { Descriptors, type Watcher } from './descriptors.js';
import { Doors, type DoorsHome } from './doors.js';
import { Handshakes } from './handshakes.js';
import { LED, Leads, type LeadsHome } from './leads.js';
import { LedReport } from './led-report.js';
import type { LoopOutside } from './loop-outside.js';
import { LONGEST_SLEEP } from './native-limits.js';
import { connectOut, joinUp } from './on-request.js';
import type { Pair, PairHome } from './pair.js';
import { Pairs } from './pairs.js';
import { Pipes } from './pipes.js';
import type { Command, News, PairEnd } from './protocol.js';
import { Rest } from './rest.js';
import { EINTR, EPOLLIN, type Sys } from './sys.js';
import { Table } from './table.js';
import { INTEREST, type Unfinished, Wire } from './wire.js';

/** Carries connections, in one thread that does nothing else. */
export class Loop implements PairHome, DoorsHome, LeadsHome {
  readonly descriptors: Descriptors;
  readonly pipes: Pipes;
  /** What is written to it ends the loop's sleep. */
  readonly wake: number;
  now: number = performance.now();
  readonly #outside: LoopOutside;
  readonly #sys: Sys;
  readonly #arena: Arena;
  readonly #epoll: number;
  readonly #rest: Rest;
  readonly #doors: Doors = new Doors(this);
  readonly #datagrams: Datagrams;
  readonly #wires = new Table<Wire>();
  readonly #ending = new Set<Wire>();
  /** By number: those that arrived, and that nobody leads on yet. */
  readonly #arrivals = new Set<number>();
  readonly #report = new LedReport();
  readonly #leads: Leads = new Leads(this, this.#report);
  readonly #handshakes: Handshakes;
  readonly #pairs = new Pairs((news) => this.tell(news), this.#report);
  #unfinished: Unfinished[] = [];
  #news: News[] = [];
  #lastArrival = 0;
  #sweepAt = Number.POSITIVE_INFINITY;

  /** Throws where the kernel has no descriptors for it: it cannot begin. */
  constructor(sys: Sys, outside: LoopOutside) {
    this.#sys = sys;
    this.#outside = outside;
    this.#arena = new Arena(sys);
    this.#epoll = sys.epollCreate();
    this.#rest = new Rest(sys, this.#epoll, outside);
    this.wake = sys.eventfd();
    this.descriptors = new Descriptors(sys, this.#arena, this.#epoll);
    this.pipes = new Pipes(sys, this.#arena);
    this.#datagrams = new Datagrams(this, outside.limits.sweep);
    this.#handshakes = new Handshakes(this, this.#report, () => outside.hears());
    const waker: Watcher = { ready: () => void sys.read(this.wake, COUNTER_AT, 8) };
    const begun = this.#epoll < 0 || this.wake < 0 ? -1 : this.descriptors.watch(this.wake, EPOLLIN, waker);
    if (begun >= 0) return;
    for (const fd of [this.#epoll, this.wake]) if (fd >= 0) sys.close(fd);
    throw new Error('the kernel refused an epoll instance or an eventfd');
  }

  /** One look at all that is ready, and one at the time. Sleeps where there is nothing to do. */
  turn(): void {
    this.now = performance.now();
    this.#hear();
    this.#send();
    const count = this.#rest.wait(this.#unfinished.length > 0 || this.#handshakes.isUntold ? 0 : this.#sleep());
    this.now = performance.now();
    if (count < 0 && count !== -EINTR) throw new Error(`epoll_wait failed: errno ${-count}`);
    // What was asked before a connection arrived holds for that one: it may be a probe that is to be looked into.
    if (this.#outside.isAsked()) this.#hear();
    for (let i = 0; i < count; i += 1) {
      const fd = this.#arena.eventFd(i);
      if (fd !== this.wake) this.#rest.stirred(this.now);
      this.descriptors.watcherOf(fd, this.#arena.eventMark(i))?.ready(this.#arena.events(i));
      if (this.#outside.isAsked()) this.#hear();
    }
    this.#handshakes.tellAsked(count <= 0);
    const unfinished = this.#unfinished;
    this.#unfinished = [];
    for (const work of unfinished) work.resume();
    this.#datagrams.look();
    this.#doors.look();
    if (this.now >= this.#sweepAt) this.#sweep();
    this.#send();
  }

  /** Gives every descriptor back but `wake`, which those who write to it close last. What is joined is reset. */
  close(): void {
    this.#doors.closeAll();
    this.#leads.closeAll();
    this.#pairs.closeAll();
    for (const wire of this.#wires.values()) wire.close('reset');
    this.#datagrams.close();
    this.pipes.release();
    this.#sys.close(this.#epoll);
    this.#send();
  }

  get unled(): number {
    return this.#arrivals.size + this.#handshakes.size;
  }

  get connections(): number {
    return this.#wires.size + this.#leads.open;
  }

  tell(news: News): void {
    this.#news.push(news);
  }

  again(work: Unfinished): void {
    this.#unfinished.push(work);
  }

  lingers(wire: Wire): void {
    this.#ending.add(wire);
    this.sweepSoon();
  }

  gone(wire: Wire): void {
    if (wire.id === LED) this.#leads.gone();
    else {
      this.#wires.delete(wire.id);
      this.#ending.delete(wire);
      this.#arrivals.delete(wire.id);
      this.#handshakes.gone(wire.id);
    }
    this.#doors.roomier();
  }

  led(pair: Pair): void {
    this.#pairs.add(pair);
  }

  keep(wire: Wire): void {
    this.#wires.set(wire.id, wire);
  }

  handedOver(wire: Wire): void {
    this.#arrivals.add(wire.id);
  }

  nextArrival(): number {
    this.#lastArrival -= 1;
    return this.#lastArrival;
  }

  leadOn(listener: number, fd: number): boolean {
    return this.#leads.take(listener, fd);
  }

  hear(listener: number, fd: number, local: () => Endpoint | number): boolean {
    return this.#handshakes.hear(listener, fd, local);
  }

  arrived(listener: number, fd: number, remote: Endpoint, local: Endpoint): void {
    const id = this.nextArrival();
    const wire = new Wire(id, fd, this, 'open');
    const watched = this.descriptors.watch(fd, INTEREST, wire);
    if (watched < 0) {
      this.descriptors.reset(fd);
      this.#doors.took(1);
      this.short();
      return;
    }
    this.#wires.set(id, wire);
    this.#arrivals.add(wire.id);
    this.tell({ kind: 'accepted', listener, id, remote, local });
  }

  /** Pipes that wait for their next use are given back, and listeners rest. */
  short(): void {
    this.#doors.refused();
    this.crowded();
  }

  crowded(): void {
    this.pipes.release();
    if (this.#doors.rest()) this.tell({ kind: 'shortage' });
  }

  over(pair: Pair, end: PairEnd): void {
    this.#pairs.over(pair, end);
    if (this.#pairs.size === 0) this.pipes.release();
  }

  #hear(): void {
    for (const command of this.#outside.commands()) this.#do(command);
  }

  #send(): void {
    if (this.#news.length === 0 && this.now < this.#report.dueAt && !this.#report.isFull) return;
    const led = this.#report.take(this.now);
    const news = this.#news;
    this.#news = [];
    this.#outside.tell(led === null ? news : [led, ...news]);
  }

  #do(command: Command): void {
    switch (command.kind) {
      case 'listen':
        this.#listen(command.id, command.at);
        return;
      case 'unlisten':
        this.#doors.close(command.id);
        this.#leads.leave(command.id);
        this.#handshakes.leave(command.id);
        this.tell({ kind: 'unlistened', id: command.id });
        return;
      case 'connect':
        connectOut(command, this);
        return;
      case 'read':
        this.#wires.get(command.id)?.read();
        return;
      case 'stop_reading':
        this.#wires.get(command.id)?.stopReading();
        return;
      case 'write':
        this.#wires.get(command.id)?.write(command.bytes);
        return;
      case 'end':
        this.#wires.get(command.id)?.end();
        return;
      case 'reset':
        this.#wires.get(command.id)?.close('reset');
        return;
      case 'join':
        this.#join(command);
        return;
      case 'cut':
        this.#pairs.get(command.flow)?.close('cut');
        this.#leads.cut(command.flow);
        return;
      case 'route':
        this.#leads.route(command);
        this.tell({ kind: 'routed', listener: command.listener, era: command.era });
        return;
      case 'handshakes':
      case 'onward':
      case 'recall':
      case 'take':
        this.#handshakes.do(command);
        return;
      case 'took':
        this.#doors.took(command.count);
        this.#leads.told(command.led, command.room);
        return;
      case 'counted':
        this.#pairs.countsAreSeen();
        return;
      default:
        this.#datagrams.do(command);
    }
  }

  #listen(id: number, at: Uint8Array): void {
    const port = this.#doors.open(id, at);
    this.tell(port < 0 ? { kind: 'not_listening', id, errno: -port } : { kind: 'listening', id, port });
  }

  #join(command: Extract<Command, { kind: 'join' }>): void {
    const { near, far } = command;
    const pair = joinUp(command, this.#wires.get(near), this.#wires.get(far), this);
    if (pair === null) return;
    for (const id of [near, far]) this.#arrivals.delete(id);
    this.#pairs.add(pair);
    this.sweepSoon();
    pair.begin(command.toFar, command.toNear);
  }

  #sleep(): number {
    const looks = Math.min(this.#sweepAt, this.#datagrams.wakesAt, this.#report.dueAt);
    const until = Math.min(looks, this.#doors.wakesAt ?? Number.POSITIVE_INFINITY, this.now + LONGEST_SLEEP);
    return Math.max(0, Math.ceil(until - this.now));
  }

  sweepSoon(): void {
    this.#sweepAt = Math.min(this.#sweepAt, this.now + this.#outside.limits.sweep);
  }

  /** Tells what was carried, and ends what has carried nothing for too long or has had its time to end. */
  #sweep(): void {
    this.#leads.look(this.now);
    this.#handshakes.look(this.now);
    for (const wire of [...this.#ending]) if (this.now >= wire.endsBy) wire.close('close');
    this.#pairs.look(this.now, this.#outside.limits);
    this.#sweepAt = Number.POSITIVE_INFINITY;
    if (this.#pairs.size > 0 || this.#ending.size > 0 || this.#leads.isWaiting || this.#handshakes.size > 0)
      this.sweepSoon();
  }
}
