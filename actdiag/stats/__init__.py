"""Pure maths and mergeable accumulators: the hot path. No names, no files, no judging."""
