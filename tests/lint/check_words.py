#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Banned functions, line comments, work left open, over-long files and
functions."""
import re
import lint

BANNED = ("strcpy strcat sprintf vsprintf strtok strncpy atoi atol gets "
          "alloca strerror localtime gmtime tmpnam mktemp system popen").split()
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
OPEN = re.compile(r"\b(TODO|FIXME|XXX)\b")
LINES_MAX = 800
FUNCTION_MAX = 70


def without_comments(text):
    """The code with comments and string contents blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


files = lint.sources(".c", ".h", folders=lint.MODULES + ["tests", "bench"])
for path in files:
    text = path.read_text()
    code = without_comments(text)
    is_test = path.relative_to(lint.ROOT).parts[0] == "tests"
    for number, line in enumerate(code.splitlines(), 1):
        match = CALL.search(line)
        if match and not (is_test and match.group(1) == "system"):
            lint.fault(path, f"line {number}: {match.group(1)}() is banned")
        if "//" in line:
            lint.fault(path, f"line {number}: comments are /* ... */")
    for number, line in enumerate(text.splitlines(), 1):
        if OPEN.search(line):
            lint.fault(path, f"line {number}: work left open")
        if len(line.expandtabs(8)) > 100 and not is_test:
            lint.fault(path, f"line {number}: longer than 100 columns")
    lines = len(text.splitlines())
    if lines > LINES_MAX:
        lint.fault(path, f"{lines} lines; {LINES_MAX} are allowed")
    if path.suffix != ".c" or is_test:
        continue
    start = None
    for number, line in enumerate(code.splitlines(), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start > FUNCTION_MAX:
                lint.fault(path, f"line {start}: a function of "
                                 f"{number - start} lines")
            start = None
lint.finish("words", len(files))
