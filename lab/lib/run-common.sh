# run-common.sh - what uml-run.sh and qemu-run.sh have in common: options, the
# run directory, output relays, the time limit, exit statuses. Sourced, not run.
#
# A front end defines, before calling lab_main "$@":
#   ENGINE           its name
#   DEFAULT_MODULES  kernel modules loaded before CMD unless -k says otherwise
#   engine_check     ends with die() when the machine cannot run this engine
#   engine_prepare   (optional) runs once the run directory exists
#   engine_cleanup   (optional) undoes it, whatever happened
#   engine_boot      execs the guest kernel; its standard output is the guest's
#                    console, descriptors 3 and 4 are CMD's stdout and stderr

EX_LAB=120 EX_DIED=121 EX_TIME=124
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PROG=${0##*/}

say() { printf '%s: %s\n' "$PROG" "$*" >&2; }
die() { say "$*"; exit $EX_LAB; }
need_tool() { command -v "$1" >/dev/null || die "$1 not found: apt-get install $2"; }
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }
need_arg() { [ $# -ge 2 ] || die "option $1 needs a value (see --help)"; }

cleanup() {
  trap - EXIT INT TERM HUP
  [ -n "$guest_pid" ] && disown "$guest_pid" 2>/dev/null
  [ -n "$guest_pid" ] && kill -KILL -- "-$guest_pid" 2>/dev/null
  [ -n "$dog_pid" ] && kill "$dog_pid" 2>/dev/null
  type engine_cleanup >/dev/null 2>&1 && engine_cleanup
  [ -n "$run" ] && rm -rf "$run"
}

lab_main() {
  mem=1G limit=300 cwd=$PWD modules=$DEFAULT_MODULES
  want_stdin=0 systemd=0 verbose=0 run= guest_pid= dog_pid=
  rw=() envs=()
  while [ $# -gt 0 ]; do
    case $1 in
      -m|--mem)     need_arg "$@"; mem=$2; shift 2 ;;
      -t|--timeout) need_arg "$@"; limit=$2; shift 2 ;;
      -w|--rw)      need_arg "$@"; rw+=("$2"); shift 2 ;;
      -e|--env)     need_arg "$@"; envs+=("$2"); shift 2 ;;
      -C|--chdir)   need_arg "$@"; cwd=$2; shift 2 ;;
      -k|--modules) need_arg "$@"; modules=$2; shift 2 ;;
      -i|--stdin)   want_stdin=1; shift ;;
      -s|--systemd) systemd=1; shift ;;
      -v|--verbose) verbose=1; shift ;;
      -h|--help)    usage; exit 0 ;;
      --)           shift; break ;;
      -*)           die "unknown option $1 (see --help)" ;;
      *)            break ;;
    esac
  done
  [ $# -gt 0 ] || die "no command given (see --help)"
  [[ $limit =~ ^[1-9][0-9]*$ ]] || die "--timeout wants whole seconds, got '$limit'"
  [[ $mem =~ ^[1-9][0-9]*[KMG]$ ]] || die "--mem wants a size such as 512M, got '$mem'"
  [ "$(id -u)" = 0 ] || die "must run as root (the guest reads the host's files as root)"
  [ -d "$cwd" ] || die "no such directory: $cwd"
  local d e
  for d in ${rw[@]+"${rw[@]}"}; do
    [ -d "$d" ] || die "--rw: no such directory: $d"
    [ "$(cd "$d" && pwd -P)" != / ] || die "--rw / would give the guest the whole machine"
  done
  need_tool modprobe kmod; need_tool ip iproute2; need_tool setsid util-linux
  if [ $systemd = 1 ]; then
    [ -x /lib/systemd/systemd ] || die "systemd not found: apt-get install systemd"
    need_tool dbus-daemon dbus
  fi
  engine_check

  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  run=$(mktemp -d "/tmp/$ENGINE-run.XXXXXX") || die "cannot make a run directory in /tmp"
  printf '%s\0' "$@" > "$run/cmd"
  for e in ${envs[@]+"${envs[@]}"}; do
    case $e in
      *=*) printf '%s\0' "$e" ;;
      *)   [ -n "${!e+set}" ] && printf '%s=%s\0' "$e" "${!e}" ;;
    esac
  done > "$run/env"
  for d in ${rw[@]+"${rw[@]}"}; do (cd "$d" && pwd -P); done > "$run/rw"
  (cd "$cwd" && pwd -P) > "$run/cwd"
  tr , '\n' <<<"$modules" > "$run/modules"
  echo "$ENGINE" > "$run/engine"
  [ $systemd = 1 ] && : > "$run/systemd"
  if [ $want_stdin = 1 ]; then cat > "$run/stdin"; else : > "$run/stdin"; fi
  cp "$LAB"/guest/* "$run/" || die "guest scripts missing from $LAB/guest"

  type engine_prepare >/dev/null 2>&1 && engine_prepare

  mkfifo "$run/out" "$run/err"
  cat "$run/out" & local relay1=$!
  cat "$run/err" >&2 & local relay2=$!
  # setsid(1) makes the guest a group leader: killing "-$guest_pid" then ends it
  # together with every process that carries a part of it.
  engine_boot </dev/null >"$run/console" 2>&1 3>"$run/out" 4>"$run/err" &
  guest_pid=$!
  # Not `wait -n`: in bash 5.2 it can miss the guest when another child ends at the
  # same moment, and then waits for the time limit.
  mkfifo "$run/never"
  ( read -rt "$limit" <> "$run/never"; : > "$run/timed-out"; kill -KILL -- "-$guest_pid" ) & dog_pid=$!
  wait "$guest_pid" 2>/dev/null
  kill "$dog_pid" 2>/dev/null
  kill -KILL -- "-$guest_pid" 2>/dev/null   # also the stragglers of a guest panic
  wait "$dog_pid" 2>/dev/null
  guest_pid= dog_pid=
  wait "$relay1" "$relay2" 2>/dev/null

  if [ $verbose = 1 ]; then
    sed 's/^/[guest kernel] /' "$run/console" >&2
    [ -s "$run/t.end" ] && say "command took $(
      awk 'NR==FNR{a=$1;next}{printf "%.2f",$1-a}' "$run/t.start" "$run/t.end") s$(
      [ $ENGINE = box ] || printf ', %s s after the guest kernel started' "$(cat "$run/t.start")")"
  fi
  grep -a '^LAB-WARN' "$run/console" >&2
  if [ -s "$run/rc" ]; then exit "$(cat "$run/rc")"; fi
  if [ -e "$run/timed-out" ]; then say "time limit of ${limit}s reached"; exit $EX_TIME; fi
  if grep -aq '^LAB-FAIL' "$run/console"; then
    say "guest set-up failed: $(grep -am1 '^LAB-FAIL' "$run/console")"; exit $EX_LAB
  fi
  say "the guest kernel ended before the command did; its last messages:"
  tail -25 "$run/console" >&2
  exit $EX_DIED
}
