#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# At a terminal: its size, Ctrl-Z and fg, Ctrl-C; and nsenter into the job.
. "$(dirname "$0")/lib.sh"
need umoci
need nsenter
need python3
layout=$(image_layout tiny)
IMAGE=oci:$layout:1
as_user "$LAZYRUN" -q exec "$IMAGE" true || fault "a first run"

# terminal.py SCRIPT OPTION...: lazyrun at a terminal of its own, which does what SCRIPT says
cat >"$WORK/terminal.py" <<'END'
import fcntl, os, pty, select, signal, struct, sys, termios, time

def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

def until(fd, text, seen=b""):
    end = time.monotonic() + 10
    while text not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (text, seen))
        try:
            piece = os.read(fd, 4096)
        except OSError:
            piece = b""
        if not piece:
            sys.exit("ended without %r: %r" % (text, seen))
        seen += piece
    return seen

def state(pid):
    return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0]

def wait_state(pid, wanted):
    for _ in range(200):
        if state(pid) in wanted:
            return
        time.sleep(0.05)
    sys.exit("process %d is in state %s, not %s" % (pid, state(pid), wanted))

def lead(command, say, hear):
    """A shell's part: the job in a group of its own, in the foreground."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.write(say, b"%d %d\n" % (job, status))
        if not os.WIFSTOPPED(status):
            os._exit(0)
        os.tcsetpgrp(0, os.getpid())
        os.read(hear, 1)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)

def heard(fd):
    return map(int, os.read(fd, 64).split())

what, command = sys.argv[1], sys.argv[2:]
said, say = os.pipe()
hear, tell = os.pipe()
leader, fd = pty.fork()
if leader == 0:
    lead(command, say, hear)
os.close(say)
resize(fd, 31, 101)
if what == "size":
    until(fd, b"ready")
    resize(fd, 47, 113)
    until(fd, b"now 47 113")
elif what == "stop":
    until(fd, b"ready")
    os.write(fd, b"\x1a")
    pid, status = heard(said)
    child = int(open("/proc/%d/task/%d/children" % (pid, pid)).read().split()[0])
    if not os.WIFSTOPPED(status):
        sys.exit("Ctrl-Z: status %#x" % status)
    wait_state(child, "T")
    os.write(tell, b"c")
    wait_state(pid, "SR")
    wait_state(child, "SR")
    os.write(fd, b"go on\n")
    until(fd, b"got go on")
os.write(fd, b"\x03")
_, status = heard(said)
print("signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit %d" % os.WEXITSTATUS(status))
END

at_terminal() { python3 "$WORK/terminal.py" "$1" "${AS_USER[@]}" "$LAZYRUN" -q exec "${@:2}" 2>&1; }
size='trap "echo now \$(busybox stty size)" WINCH; trap "exit 5" INT; echo ready; while :; do sleep 0.1; done'
stop='trap "exit 6" INT; echo ready; read line; echo got $line; while :; do sleep 0.1; done'
equal "a terminal's size" "exit 5" "$(at_terminal size "$IMAGE" sh -c "$size")"
equal "a terminal's size, --pid" "exit 5" "$(at_terminal size -p "$IMAGE" sh -c "$size")"
equal "Ctrl-Z, fg, Ctrl-C" "exit 6" "$(at_terminal stop "$IMAGE" sh -c "$stop")"
equal "Ctrl-C at its default" "signal 2" "$(at_terminal size "$IMAGE" sh -c "${size/trap \"exit 5\" INT;/}")"

# the job is the child that condor_ssh_to_job takes, and its user can enter it
enter() { # OPTION...: what nsenter sees of the job of `exec OPTION...`
	"${AS_USER[@]}" "$LAZYRUN" -q exec "$@" "$IMAGE" sh -c 'echo up; sleep 4712' >"$WORK/up" &
	local pid=$!
	wait_for "the job" grep -q up "$WORK/up"
	job=$(awk '{print $1}' "/proc/$pid/task/$pid/children")
	as_user nsenter -t "$job" -U -m --preserve-credentials "${NSENTER[@]}" /bin/sh -c 'ls -d /srv/random; id -u; echo $$' 2>&1
	kill $pid
	wait $pid 2>/dev/null
}
NSENTER=()
equal "nsenter -U -m" "/srv/random $TEST_UID" "$(enter | head -n 2 | xargs)"
NSENTER=(-p)
out=$(enter -C)
equal "nsenter -U -m -p into -C" "/srv/random $TEST_UID" "$(head -n 2 <<<"$out" | xargs)"
[ "$(sed -n 3p <<<"$out")" -lt 100 ] || fault "not in the job's pid namespace: $out"
