#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Back-ticked paths in the documentation exist; the man page has every
command and option that --help has, and no other.

usage: check_docs.py LAZYRUN_BINARY"""
import pathlib
import re
import sys
import lint

TICKED = re.compile(r"`([A-Za-z0-9_.]+(?:/[A-Za-z0-9_.-]+)+/?)`")
TOP = {p.name for p in lint.ROOT.iterdir()}

pages = sorted(lint.ROOT.glob("*.md")) + sorted((lint.ROOT / "docs").glob("*.md"))
for page in pages:
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for name in TICKED.findall(line):
            if name.split("/")[0] in TOP and not (lint.ROOT / name).exists():
                lint.fault(page, f"line {number}: {name} does not exist")

manual = lint.ROOT / "docs" / "lazyrun.1"
# as people read it, but no line folded; overstrikes ("_\bx") taken out
man = re.sub(".\b", "", lint.run("mandoc", "-T", "ascii", "-O", "width=999",
                                 str(manual)).stdout)
binary = str(pathlib.Path(sys.argv[1]).resolve())
overview = lint.run(binary, "--help").stdout
commands = re.findall(r"^  (\w+) +\S", overview, re.M)
if not commands:
    lint.fault(binary, "--help lists no command")
OPTION = r"^ +(?:-\w, )? *(--[\w-]+)"
helped = set(re.findall(OPTION, overview, re.M))
for command in commands:
    text = lint.run(binary, command, "--help").stdout
    if f"lazyrun {command} " not in man:
        lint.fault(manual, f"does not describe {command}")
    helped |= set(re.findall(OPTION, text, re.M))
for option in sorted(helped):
    if not re.search(re.escape(option) + r"(?![\w-])", man):
        lint.fault(manual, f"does not describe {option}")
for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][\w-]+", man)) - helped -
                     {"--help", "--version"}):
    lint.fault(manual, f"describes {option}, which --help does not have")
# each section has the options of its own commands
SECTION = r"^\.Ss ([a-z, ]+)$"
parts = re.split(SECTION, manual.read_text(), flags=re.M)[1:]
for title, text in zip(parts[::2], parts[1::2]):
    names = [name for name in title.split(", ") if name in commands]
    own = set()
    for name in names:
        own |= set(re.findall(OPTION, lint.run(binary, name, "--help").stdout, re.M))
    text = re.split(r"^\.S[sh] ", text, flags=re.M)[0]
    for option in re.findall(r"^\.It (?:Fl \w , )?(?:Fl )?-([a-z][\w-]*)", text, re.M):
        if names and f"--{option}" not in own:
            lint.fault(manual, f"--{option} is described under {title}, whose --help does not have it")
done = lint.run("mandoc", "-T", "lint", "-W", "warning",
                str(manual))
for line in done.stdout.splitlines():
    lint.fault(manual, line)
lint.finish("docs", len(pages))
