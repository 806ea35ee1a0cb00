/// Nothing to call: linking this target is enough, see start.c.
