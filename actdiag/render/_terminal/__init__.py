"""Parts of the terminal report: each takes a report and a page and yields what rich can print."""
