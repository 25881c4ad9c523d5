"""Runs a program at a terminal of its own: terminal.py <file for stdout> <steps in JSON> <program...>.

Each step is [what to wait for, what to type]. Prints, in JSON, what the terminal showed, whether it
echoed at each step, the exit code, and the signal that ended the program.
"""
import json, os, pty, select, sys, termios, time

DEADLINE_S = 60

stdout, steps, argv = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT), 1)
    os.execv(argv[0], argv)

shown, echoed, end = "", [], time.monotonic() + DEADLINE_S


def more():
    ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
    try:
        return os.read(terminal, 4096).decode() if ready else ""
    except OSError:  # the program has ended
        return ""


at = 0
for wanted, typed in steps:
    while wanted not in shown[at:]:
        part = more()
        if not part:
            break
        shown += part
    if wanted not in shown[at:]:
        break
    at = shown.index(wanted, at) + len(wanted)
    echoed.append(bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
    os.write(terminal, typed.encode())
while part := more():
    shown += part
_, status = os.waitpid(child, 0)
signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
print(json.dumps({"shown": shown, "echoed": echoed, "code": code, "signal": signal}))
