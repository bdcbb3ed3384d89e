/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/python_image.h"

#include "tests/support/elf_maker.h"
#include "tests/support/index_maker.h"

#include <stdlib.h>
#include <string.h>

#define LIBRARY "usr/lib/python3.11/"
#define PACKAGE "usr/lib/python3/dist-packages/pkg/"

static const struct {
	const char *path;
	const char *text;
} sources[] = {
	{ "etc/ld.so.conf.d/local.conf", "# first\n/opt/lib\n" },
	{ LIBRARY "os.py", "import stat\n" },
	{ LIBRARY "json/__init__.py", "from .decoder import JSONDecoder\n" },
	{ LIBRARY "json/decoder.py", "import re\nimport json\n" },
	{ LIBRARY "json/__main__.py", "import argparse\n" },
	{ LIBRARY "re.py", "import os\nimport os.path\n" },
	{ LIBRARY "importlib/__init__.py",
	  "from . import _bootstrap\nimport re\n" },
	{ LIBRARY "importlib/_bootstrap.py", "" },
	{ LIBRARY "encodings/__init__.py", "from . import aliases\n" },
	{ LIBRARY "encodings/__pycache__/__init__.cpython-311.pyc", "code" },
	{ LIBRARY "encodings/aliases.py", "x = 1\n" },
	{ LIBRARY "lib-dynload/_fast.cpython-311-x86_64-linux-gnu.so", "code" },
	{ PACKAGE "__init__.py",
	  "from . import core\nfrom .sub import (\n"
	  "    thing,\n    function)\nimport json, _fast\n" },
	{ PACKAGE "core.py", "from pkg.sub import other\nimport nowhere\n" },
	{ PACKAGE "__pycache__/core.cpython-311.pyc", "code" },
	{ PACKAGE "__pycache__/core.cpython-310.pyc", "other code" },
	{ PACKAGE "sub/__init__.py", "from ..core import x\n" },
	{ PACKAGE "sub/thing.abi3.so", "code" },
	{ PACKAGE "sub/thing.py", "import re\n" },
	{ PACKAGE "sub/other.py", "" },
	{ PACKAGE "native.py", "from pkg._c import *\n" },
	/* a folder without __init__ gives way to the module beside it */
	{ PACKAGE "_c/stubs.pyi", "stubs" },
	{ "usr/bin/tool", "#!/usr/bin/env -S python3 -u\nimport pkg.core\n" },
	{ "app/main.py", "import helper\nimport re\n" },
	{ "app/helper.py", "import json.decoder\n" },
};

static void add_elf(struct index_maker *maker, const char *path,
		    const struct elf_maker_options *options, uint32_t chunk)
{
	size_t size;
	uint8_t *file = elf_maker_make(options, &size);

	/* the bytes behind the first chunk are zeros that nobody looks at */
	index_maker_add_file(maker, path, file, size, chunk);
	free(file);
}

void python_image_add(struct index_maker *maker)
{
	const struct elf_maker_options python = { .needed = { "libz.so.1" } };
	const struct elf_maker_options library = {
		.needed = { "libown.so", "libopt.so", "libnone.so" },
		.runpath = "$ORIGIN/private",
	};

	const struct elf_maker_options module = {
		.needed = { "libopt.so" },
		.constants = { "pkg.sub.other", "pkg.nowhere.at_all",
			       "Not a pkg.core", "json.decoder" },
	};

	index_maker_add_symlink(maker, "lib", "usr/lib");
	add_elf(maker, PACKAGE "_c.cpython-311-x86_64-linux-gnu.so", &module,
		3);
	index_maker_add_symlink(maker, "usr/bin/python3", "python3.11");
	add_elf(maker, "usr/bin/python3.11", &python, 0);
	add_elf(maker, "usr/lib/x86_64-linux-gnu/libz.so.1.2", &library, 1);
	index_maker_add_symlink(maker, "usr/lib/x86_64-linux-gnu/libz.so.1",
				"libz.so.1.2");
	index_maker_add_file(maker,
			     "usr/lib/x86_64-linux-gnu/private/libown.so",
			     "own", 3, 2);
	index_maker_add_file(maker, "opt/lib/libopt.so", "opt", 3, 2);
	index_maker_add_file(maker, "usr/bin/sh", "shell", 5, 3);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		index_maker_add_file(maker, sources[i].path, sources[i].text,
				     strlen(sources[i].text), 3);
}
