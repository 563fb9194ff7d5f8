"""Scans of parts of the data, by several processes or by separate jobs, merged into one."""
