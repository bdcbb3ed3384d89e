/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * python_imports: which modules a Python source imports when it is loaded.
 *
 * A scanner of lines, not a parser: it finds import statements at module
 * level, those indented by try, if, with and class included, and leaves out
 * bodies of functions, of "except", of "if TYPE_CHECKING" and (unless asked)
 * of "if __name__": what runs later, or most likely never.  It knows of
 * strings that span lines, of brackets and of backslashes within a statement.
 * What it gets wrong costs a needless fetch or a round trip, nothing else.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>

struct buffer;

/**
 * python_imports_scan() - the imports of a source, as facts
 * @text:    any bytes
 * @is_main: it is what the interpreter was told to run
 * @facts:   HINT_FACT_IMPORT appended, in the order of the text; those that do
 *           not fit below its limit are left out
 *
 * Return: 0 or -ENOMEM.
 */
int python_imports_scan(const char *text, size_t size, bool is_main,
			struct buffer *facts);
