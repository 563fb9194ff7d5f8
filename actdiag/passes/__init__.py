"""Further passes over the data, beside the one that measures: each adds a record to the Scan."""
