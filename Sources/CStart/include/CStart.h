/// Nothing to call: linking this target is enough, see OneBLASThread.c.
